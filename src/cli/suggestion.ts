/** What a misspelled word was likely meant to be. */

/** Edits that a word may be away from a known one. */
const MOST_EDITS = 2;

/** The known words that begin with this one, then those that are near, the nearest first. */
export function near(word: string, known: readonly string[]): string[] {
  const begun = known.filter((one) => one.startsWith(word));
  const most = Math.min(MOST_EDITS, word.length - 2);
  const ranked = known
    .filter((one) => !begun.includes(one))
    .map((one) => ({ one, edits: editsBetween(word, one) }))
    .filter(({ edits }) => edits <= most)
    .sort((a, b) => a.edits - b.edits);
  return [...begun, ...ranked.map(({ one }) => one)];
}

/** The known word that begins with this one, or else the nearest if it is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  return near(word, known)[0];
}

/** Letters to insert, delete or replace (Levenshtein's distance). */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, n) => n);
  for (let i = 1; i <= from.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = above[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, replaced));
    }
  }
  return row[to.length]!;
}
