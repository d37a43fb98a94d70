/** Makes what many get at about the same time only once. */

/**
 * `make`, which is not asked again as long as it would be for the same object: all watchers of an execution are told of one event before any
 * of them is told of the next. The object must not change meanwhile.
 */
export function rememberLast<From extends object, To>(make: (from: From) => To): (from: From) => To {
  let last: { readonly from: From; readonly made: To } | null = null;
  return (from) => {
    if (last?.from !== from) last = { from, made: make(from) };
    return last.made;
  };
}
