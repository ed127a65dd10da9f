/**
 * Machine code as it stands in a listing: hexadecimal bytes, labels, and what the instruction is after a semicolon.
 *     again:  b8 01 00 00 00          ; MOV EAX, 1
 *             ff 04 25 @again+1       ; INC DWORD [again + 1]
 *             75 >again               ; JNZ again
 * `>label` is an 8-bit distance from the next byte, `>>label` a 32-bit one, and `@label` a 32-bit address; any with
 * `+number`. `.at address` goes on there, with NOPs up to it. Leaves out all that an assembler knows of instructions.
 */
export interface Listing {
  /** From the origin on. */
  readonly bytes: Uint8Array;
  readonly labels: Readonly<Record<string, number>>;
}

const WIDTHS = { '>': 1, '>>': 4, '@': 4 } as const;
const NOP = 0x90;

type Piece = number | { readonly kind: keyof typeof WIDTHS; readonly label: string; readonly offset: number };

export function assemble(origin: number, text: string): Listing {
  const labels: Record<string, number> = {};
  const pieces: { readonly at: number; readonly piece: Piece }[] = [];
  let at = origin;
  const put = (piece: Piece): void => {
    pieces.push({ at, piece });
    at += typeof piece === 'number' ? 1 : WIDTHS[piece.kind];
  };
  for (const line of text.split('\n')) {
    const [code = ''] = line.split(';');
    const words = code.trim().split(/\s+/).filter(Boolean);
    if (words[0] === '.at') {
      const target = Number(words[1]);
      if (!(target >= at)) throw new Error(`.at ${words[1]} behind ${at.toString(16)}`);
      while (at < target) put(NOP);
      continue;
    }
    for (const word of words) {
      if (word.endsWith(':')) labels[word.slice(0, -1)] = at;
      else put(pieceOf(word));
    }
  }
  const bytes = new Uint8Array(at - origin);
  const view = new DataView(bytes.buffer);
  for (const { at: place, piece } of pieces) {
    if (typeof piece === 'number') bytes[place - origin] = piece;
    else {
      const target = labels[piece.label];
      if (target === undefined) throw new Error(`no label ${piece.label}`);
      const value = target + piece.offset - (piece.kind === '@' ? 0 : place + WIDTHS[piece.kind]);
      if (piece.kind !== '>') view.setInt32(place - origin, value, true);
      else if (value >= -128 && value < 128) view.setInt8(place - origin, value);
      else throw new Error(`${piece.label} is ${value} bytes away`);
    }
  }
  return { bytes, labels };
}

function pieceOf(word: string): Piece {
  if (/^[0-9a-f]{2}$/.test(word)) return Number.parseInt(word, 16);
  const parts = /^(>>|>|@)([a-z]\w*)(?:\+(\d+))?$/.exec(word);
  if (!parts) throw new Error(`neither bytes nor a label: ${word}`);
  return {
    kind: parts[1] as keyof typeof WIDTHS,
    label: parts[2] as string,
    offset: Number(parts[3] ?? 0),
  };
}
