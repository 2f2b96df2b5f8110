/** The child's side of `NodeProcess`: answers its parent's requests one after another. */
import { messageOf } from "../base/index.ts";

/** Answers come in the order of the requests. */
export type FromChild<Report> =
  | { readonly kind: "answer"; readonly value: unknown }
  | { readonly kind: "error"; readonly message: string }
  | { readonly kind: "report"; readonly report: Report };

/** Tells the parent something that it did not ask for. */
export function reportToParent(report: unknown): void {
  process.send?.({ kind: "report", report } satisfies FromChild<unknown>);
}

/** After the answer to a request of the kind `close` the process ends, as soon as it is idle. */
export function answerParent<Request extends { readonly kind: string }>(
  answer: (request: Request) => Promise<unknown>,
): void {
  let last: Promise<void> = Promise.resolve();
  const send = (message: FromChild<never>): void => {
    process.send?.(message);
  };
  process.on("message", (request: Request) => {
    last = last
      .then(() => answer(request))
      .then(
        (value) => send({ kind: "answer", value }),
        (error: unknown) => send({ kind: "error", message: messageOf(error) }),
      );
    if (request.kind === "close") void last.then(() => process.disconnect());
  });
  // The parent is gone: there is nobody left to work for.
  process.on("disconnect", () => process.exit(0));
}
