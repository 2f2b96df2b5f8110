/** An invariant that did not hold. Ends the run; the run's report names it. */
export class Violation extends Error {
  override readonly name: string = "Violation";
  /** The check's name, as its file is called: what a shrunk script must still break. */
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(message);
    this.invariant = invariant;
  }
}
