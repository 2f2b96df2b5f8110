/**
 * Parts of a Markdown page that are made from the code stand between two comments:
 *
 *   <!-- errors -->
 *   …made by a test; `npm test -- --rewrite --only tidy` writes it anew…
 *   <!-- /errors -->
 */

/** The text between the markers, or undefined where there is not exactly one pair of them. */
export function readBlock(page: string, marker: string): string | undefined {
  const parts = cut(page, marker);
  return parts?.[1].trim();
}

/** The page with the text between the markers replaced. */
export function replaceBlock(page: string, marker: string, text: string): string {
  const parts = cut(page, marker);
  if (parts === undefined) throw new Error(`the page has no block <!-- ${marker} -->`);
  return `${parts[0]}\n\n${text.trim()}\n\n${parts[2]}`;
}

function cut(page: string, marker: string): readonly [string, string, string] | undefined {
  const open = `<!-- ${marker} -->`;
  const close = `<!-- /${marker} -->`;
  if (page.split(open).length !== 2 || page.split(close).length !== 2) return undefined;
  const start = page.indexOf(open) + open.length;
  const end = page.indexOf(close);
  return start > end ? undefined : [page.slice(0, start), page.slice(start, end), page.slice(end)];
}
