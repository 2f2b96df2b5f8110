/** Arguments of the command line, checked: what `commander` calls for an option's text. */
import { InvalidArgumentError } from "commander";

export function integerArgument(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`must be an integer from ${min} to ${max}`);
  };
}
