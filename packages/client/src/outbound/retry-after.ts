import type { RoomcastError } from '@roomcast/protocol'

/** Milliseconds after which the server may be asked again, if an error says so. PROTOCOL.md, "CONNECT_ERROR". */
export function retryAfterOf({ data }: RoomcastError): number | undefined {
  const { retryAfterMs } = (data ?? {}) as { retryAfterMs?: unknown }
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined
}
