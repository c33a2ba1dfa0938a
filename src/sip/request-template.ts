/**
 * Requests that differ from an earlier one only in their random values are made by copying its octets: for a probe that
 * is sent every few seconds, writing it anew each time is most of the work.
 */
export interface RandomValues {
  /** Without the cookie. */
  readonly branch: string
  readonly callId: string
  readonly fromTag: string
}

export interface RequestTemplate {
  /** The same request with other values of the same length. */
  fill(values: RandomValues): Buffer
}

/** Null: a value stands there twice or not at all, so the request can't be copied. */
export const createTemplate = (bytes: Buffer, values: RandomValues): RequestTemplate | null => {
  const places = [placeOf(bytes, values.branch), placeOf(bytes, values.callId), placeOf(bytes, values.fromTag)]
  const [branch = -1, callId = -1, fromTag = -1] = places
  if (places.some((at) => at < 0)) return null
  return {
    fill: (next) => {
      const copy = Buffer.from(bytes)
      copy.write(next.branch, branch, 'latin1')
      copy.write(next.callId, callId, 'latin1')
      copy.write(next.fromTag, fromTag, 'latin1')
      return copy
    }
  }
}

const placeOf = (bytes: Buffer, value: string): number => {
  const at = bytes.indexOf(value, 0, 'latin1')
  return at >= 0 && bytes.indexOf(value, at + 1, 'latin1') < 0 ? at : -1
}
