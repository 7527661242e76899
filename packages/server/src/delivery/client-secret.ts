import { utf8Length } from '@roomcast/protocol'

/** Bytes of a client's secret. PROTOCOL.md, "CONNECT". */
export const CLIENT_SECRET_BYTES = { least: 16, most: 64 }

/** What a client gave as its secret; null if that will not do. */
export function readClientSecret(text: string | undefined): string | null {
  const { least, most } = CLIENT_SECRET_BYTES
  // A text never has more UTF-16 units than bytes: a long one is not worth counting.
  if (text === undefined || text.length > most) return null
  const bytes = utf8Length(text)
  return bytes >= least && bytes <= most ? text : null
}
