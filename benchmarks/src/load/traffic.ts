/** Bytes of TCP connections, without what TCP and IP add. */
export interface Traffic {
  /** From the client to the server. */
  sentBytes: number
  receivedBytes: number
}
