/** The option table as an interface, whose members an editor explains. */
import type { OptionSpec, OptionTable } from "../../src/base/index.ts";

const columns = 100;

export function tuningOptionsSource(table: OptionTable): string {
  return [
    "/**",
    " * The tuning options as an editor shows them. Made from the option tables:",
    " * `npm test -- --rewrite --only tidy` writes this file anew.",
    " */",
    "export interface TuningOptions {",
    ...Object.entries(table).flatMap(([name, spec]) => [
      "  /**",
      ...wrap(`${sentence(spec.why)}${rangeOf(spec)}`),
      `   * @default ${JSON.stringify(spec.default)}`,
      "   */",
      `  readonly ${name}?: ${typeOf(spec)} | undefined;`,
    ]),
    "}",
    "",
  ].join("\n");
}

function sentence(why: string): string {
  return `${why.slice(0, 1).toUpperCase()}${why.slice(1)}.`;
}

function rangeOf(spec: OptionSpec): string {
  if (spec.kind !== "integer") return "";
  const number = (value: number): string => value.toLocaleString("en");
  return ` From ${number(spec.min)} to ${number(spec.max)} ${spec.unit}.`;
}

function typeOf(spec: OptionSpec): string {
  if (spec.kind === "integer") return "number";
  if (spec.kind === "flag") return "boolean";
  return spec.choices.map((choice) => JSON.stringify(choice)).join(" | ");
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = "   *";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > columns) {
      lines.push(line);
      line = "   *";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
