/**
 * Options as a table: each row has default, range, unit and the reason for both, and the table
 * makes the type, the checks and the documentation. `resolveOptions` reports every fault at once
 * and freezes what it returns.
 */
import { describeValue } from "./describe-value.ts";
import { RaftError } from "./errors.ts";

interface CommonSpec {
  /** What it does and what breaks when it is chosen badly. */
  readonly why: string;
  /** Whether it may change while the engine runs. */
  readonly reloadable?: boolean;
}
export interface IntegerSpec extends CommonSpec {
  readonly kind: "integer";
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}
export interface FlagSpec extends CommonSpec {
  readonly kind: "flag";
  readonly default: boolean;
}
export interface ChoiceSpec<T extends string = string> extends CommonSpec {
  readonly kind: "choice";
  readonly default: T;
  readonly choices: readonly T[];
}
export type OptionSpec = IntegerSpec | FlagSpec | ChoiceSpec;
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The values that a table describes. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends IntegerSpec
    ? number
    : T[K] extends FlagSpec
      ? boolean
      : T[K] extends ChoiceSpec<infer C>
        ? C
        : never;
};

export interface OptionFault {
  readonly option: string;
  readonly message: string;
}

function checkOption(spec: OptionSpec, value: unknown): string | undefined {
  switch (spec.kind) {
    case "integer":
      if (typeof value !== "number" || !Number.isSafeInteger(value))
        return `must be an integer, got ${describeValue(value)}`;
      return value < spec.min || value > spec.max
        ? `must be from ${spec.min} to ${spec.max} ${spec.unit}, got ${value} (${spec.why})`
        : undefined;
    case "flag":
      return typeof value === "boolean"
        ? undefined
        : `must be true or false, got ${describeValue(value)}`;
    case "choice":
      return typeof value === "string" && spec.choices.includes(value)
        ? undefined
        : `must be one of ${spec.choices.join(", ")}, got ${describeValue(value)}`;
  }
}

/**
 * Fills in defaults and checks every value.
 * @param faults found elsewhere for the same call; they are reported together with those found
 * here.
 * @throws ERR_OPTION_INVALID listing all faults; unknown keys are faults.
 */
export function resolveOptions<T extends OptionTable>(
  table: T,
  given: Readonly<Record<string, unknown>>,
  relations: (values: OptionValues<T>) => readonly OptionFault[] = () => [],
  faults: readonly OptionFault[] = [],
): OptionValues<T> {
  const found: OptionFault[] = [...faults];
  const values: Record<string, unknown> = {};
  for (const [option, spec] of Object.entries(table)) {
    const value = given[option] ?? spec.default;
    const message = checkOption(spec, value);
    if (message !== undefined) found.push({ option, message });
    values[option] = value;
  }
  for (const option of Object.keys(given)) {
    if (!Object.hasOwn(table, option)) found.push({ option, message: "is not an option" });
  }
  const resolved = Object.freeze(values) as OptionValues<T>;
  if (found.length === 0) found.push(...relations(resolved));
  if (found.length > 0) {
    throw optionError(found.map((fault) => `${fault.option} ${fault.message}`));
  }
  return resolved;
}

/** All faults of one call, each beginning with its option. */
export function optionError(faults: readonly string[]): RaftError {
  const message = `Invalid options: ${faults.join("; ")}`;
  return new RaftError("ERR_OPTION_INVALID", message, { details: { faults } });
}

/** The table as Markdown, for README; a test keeps both equal. */
export function optionTableMarkdown(table: OptionTable): string {
  const rows = Object.entries(table).map(([option, spec]) => {
    const range =
      spec.kind === "integer"
        ? `${spec.min} – ${spec.max}`
        : spec.kind === "choice"
          ? spec.choices.join(", ")
          : "true, false";
    const unit = spec.kind === "integer" ? spec.unit : "";
    return `| \`${option}\` | ${spec.default} | ${range} | ${unit} | ${spec.why} |`;
  });
  return [
    "| option | default | range | unit | what it does |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}
