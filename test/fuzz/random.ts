/** Chance that can be had again: the same seed and number give the same input. */

export interface Random {
  /** From 0 to `below` - 1. */
  int(below: number): number;
  /** True as often as `share` says. */
  chance(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  bytes(length: number): Buffer;
}

/** SplitMix32 (Steele, Lea, Flood 2014), begun at a place of its own for each input, so that one can be replayed without those before. */
export function randomOf(seed: number, input: number): Random {
  let state = mixed(mixed(seed) ^ Math.imul(input, 0x9e3779b9));
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    return mixed(state) >>> 0;
  };
  const int = (below: number): number => next() % below;
  return {
    int,
    chance: (share) => next() < share * 2 ** 32,
    pick: (items) => items[int(items.length)]!,
    bytes: (length) => Buffer.from(Array.from({ length }, () => int(256))),
  };
}

function mixed(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return bits ^ (bits >>> 15);
}
