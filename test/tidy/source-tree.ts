/** The repository as text, for the tests that read it. Nothing here knows what is being checked. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The repository's folder; this file runs as dist/test/tidy/source-tree.js. */
export const root: string = join(import.meta.dirname, "../../..");

const foldersPassedOver = new Set(["node_modules", "dist", ".git"]);

/**
 * Paths from the repository's root, with forward slashes, of the files below `folder` that end in
 * `suffix`.
 */
export function listFiles(folder: string, suffix: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!foldersPassedOver.has(entry.name)) found.push(...listFiles(path, suffix));
    } else if (entry.name.endsWith(suffix)) {
      found.push(path);
    }
  }
  return found.sort();
}

export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Every layer: a folder of src with a project of its own. */
export function listLayers(): string[] {
  return readdirSync(join(root, "src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** The layer that holds a file of src, or undefined for the files of src itself. */
export function layerOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

// Strings come first, so that "//" inside one does not begin a comment. A regular expression that
// holds a quote can mislead this by a line, never by more: only templates and block comments run
// over line ends.
const tokenPattern =
  /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

export interface SourceText {
  /** The file with its comments blanked out; line numbers are kept. */
  readonly code: string;
  /** The comments, each without its slashes and stars, on one line. */
  readonly comments: readonly string[];
  /** The contents of its string literals and templates. */
  readonly strings: readonly string[];
}

export function splitSource(text: string): SourceText {
  const comments: string[] = [];
  const strings: string[] = [];
  const code = text.replace(tokenPattern, (token) => {
    if (!token.startsWith("/")) {
      strings.push(token.slice(1, -1));
      return token;
    }
    comments.push(flattenComment(token));
    return token.replace(/[^\n]/g, " ");
  });
  return { code, comments, strings };
}

function flattenComment(token: string): string {
  return token
    .replace(/^\/\/|^\/\*\*?|\*\/$/g, "")
    .replace(/\n\s*\*? ?/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** The modules that a source file names in its imports and re-exports, static and dynamic. */
export function importsOf(code: string): string[] {
  const pattern = /\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']/g;
  return [...code.matchAll(pattern)].map((match) => match[1] ?? "");
}

/** "path:line what" for each line that the check finds something in. */
export function findInLines(
  path: string,
  text: string,
  check: (line: string) => string | undefined,
): string[] {
  return text.split("\n").flatMap((line, at) => {
    const fault = check(line);
    return fault === undefined ? [] : [`${path}:${at + 1} ${fault}`];
  });
}
