import { ABNORMAL, NORMAL } from '../tables'
import type { OpenTransport } from './transport'

/** The part of the browser's WebSocket that is used here; `ws` has it too. */
export interface WebSocketLike {
  binaryType: string
  readonly protocol: string
  readonly bufferedAmount: number
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  onerror: (() => void) | null
  send(data: Uint8Array): void
  close(code: number, reason: string): void
}

/** Makes a WebSocket; may throw, as the constructor of a browser does for a bad URL. */
export type CreateWebSocket = (
  url: string,
  subprotocols: string[],
  headers: Readonly<Record<string, string>>,
) => WebSocketLike

/** The transport over a native WebSocket. */
export function webSocketTransport(createWebSocket: CreateWebSocket): OpenTransport {
  return (target, events) => {
    const url = new URL(target.url)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    url.pathname += '/ws'
    let isOver = false
    const finish = (code: number, reason: string) => {
      if (isOver) return
      isOver = true
      events.onClose(code, reason)
    }
    let ws: WebSocketLike
    try {
      ws = createWebSocket(url.href, [...target.subprotocols], target.headers)
    } catch (error) {
      queueMicrotask(() => finish(ABNORMAL, `${error}`))
      return { send: () => {}, close: finish, bufferedBytes: () => 0 }
    }
    ws.binaryType = 'arraybuffer'
    ws.onopen = () => {
      if (!isOver) events.onOpen(ws.protocol)
    }
    ws.onmessage = ({ data }) => {
      // Text is no part of the protocol: an empty frame is refused like any other malformed one.
      if (!isOver) events.onFrame(data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(0))
    }
    ws.onclose = ({ code, reason }) => finish(code, reason)
    // What went wrong is in the close that follows; browsers tell nothing here.
    ws.onerror = () => {}
    return {
      // A copy: `ws` may keep what it is given until a compression has ended.
      send: (frame) => ws.send(frame.slice()),
      close: (code, reason) => {
        // Other codes are for servers: `WebSocket.close` does not take them.
        ws.close(code >= 4000 ? code : NORMAL, reason)
        // The close handshake of a dead link takes minutes, and nobody waits for it.
        finish(code, reason)
      },
      bufferedBytes: () => ws.bufferedAmount,
    }
  }
}
