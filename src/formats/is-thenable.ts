/** Something that can be awaited: tools hand out objects of their own that are no promises. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const holder = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return holder && typeof (value as { then?: unknown }).then === 'function'
}
