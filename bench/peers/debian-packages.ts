/** Which of the distribution's packages are installed. */
import { outputOf } from "./installed.ts";

/** Their versions, in the order asked; undefined if one of them is missing. */
export async function installedPackages(
  packages: readonly string[],
): Promise<readonly string[] | undefined> {
  // Dpkg's own form of variables.
  const fields = ["Package", "Version", "db:Status-Status"].map((field) => `\${${field}}`);
  try {
    const format = `-f=${fields.join(" ")}\\n`;
    return parsePackages(await outputOf("dpkg-query", "-W", format, ...packages), packages);
  } catch {
    // It fails if it never heard of one of them, or is not there itself.
    return undefined;
  }
}

/** `listed` has a line for each package: its name, its version, its state. */
export function parsePackages(
  listed: string,
  packages: readonly string[],
): readonly string[] | undefined {
  const versions = new Map<string, string>();
  for (const line of listed.split("\n")) {
    const [name, version, status] = line.split(" ");
    if (name !== undefined && version !== undefined && status === "installed") {
      versions.set(name, version);
    }
  }
  const found = packages.flatMap((name) => versions.get(name) ?? []);
  return found.length === packages.length ? found : undefined;
}
