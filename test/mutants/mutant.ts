/** What an entry of the catalogue is: one small wrong change, and who should notice it. */

/** A piece of a source file and what stands in its place. */
export interface Edit {
  /** From the repository's root. */
  readonly file: string;
  /** Occurs exactly once in the file: as text, so that the catalogue lives with the sources. */
  readonly find: string;
  readonly replace: string;
}

/** A test file that notices a fault which lies outside the simulated world. */
export interface Killer {
  /** From the repository's root. */
  readonly file: string;
  /** Part of the title of the one test that is of use; all of the file without it. */
  readonly name?: string | undefined;
}

/** How the simulator is asked. */
export interface Hunt {
  /** Seeds to try at most. 0: nothing in the simulated world can show this fault. @default 300 */
  readonly seeds?: number | undefined;
  /** More arguments for the simulator, where a scenario makes the fault likelier. */
  readonly args?: readonly string[] | undefined;
}

export interface Mutant extends Edit {
  /** In kebab-case. */
  readonly name: string;
  /** The rule that it breaks, with the source, and what a user would see. */
  readonly says: string;
  /** Where one rule stands in two places, or is guarded twice. */
  readonly also?: readonly Edit[] | undefined;
  readonly hunt?: Hunt | undefined;
  /** Asked where the simulator has found nothing. */
  readonly killer?: Killer | undefined;
  /** One of the few that `npm test` hunts, each found within some seeds. */
  readonly quick?: boolean | undefined;
}

/** Every change that a mutant makes. */
export function editsOf(mutant: Mutant): readonly Edit[] {
  return [mutant, ...(mutant.also ?? [])];
}

/** The text with the edit made; undefined where `find` is not there exactly once. */
export function applyEdit(text: string, { find, replace }: Edit): string | undefined {
  const at = text.indexOf(find);
  if (at === -1 || text.includes(find, at + 1)) return undefined;
  return text.slice(0, at) + replace + text.slice(at + find.length);
}
