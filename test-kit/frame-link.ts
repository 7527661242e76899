import type { WebSocket } from 'ws'
import type { Direction } from './fault-link'

/** Bytes that may wait for the slower side, beside what the kernel keeps; the faster one is read no further then. */
const WAITING_BYTES = 65_536

/** Two WebSockets that are joined: `client` is the one that a client has opened, `server` leads to the server. */
export class FrameLink {
  private readonly seen: Record<Direction, number> = { up: 0, down: 0 }
  private isCut = false
  private openSides = 2

  /**
   * @param judge  Decides about each binary frame.
   * @param onEnd  Called once, when both sides are closed.
   */
  constructor(
    private readonly client: WebSocket,
    private readonly server: WebSocket,
    private readonly judge: (
      frame: Uint8Array,
      index: number,
      direction: Direction,
    ) => 'cut' | 'drop' | 'pass' | 'twice',
    private readonly onEnd: () => void,
  ) {
    this.forward(client, server, 'up')
    this.forward(server, client, 'down')
  }

  /** Ends it on both sides, without a close frame. */
  cut(): void {
    this.isCut = true
    this.client.terminate()
    this.server.terminate()
  }

  private forward(source: WebSocket, target: WebSocket, direction: Direction): void {
    source.on('message', (data: Buffer, isBinary) => {
      if (this.isCut) return
      const verdict = isBinary ? this.judge(data, this.seen[direction]++, direction) : 'pass'
      if (verdict === 'cut') return this.cut()
      if (verdict === 'drop') return
      this.write(source, target, data, isBinary)
      if (verdict === 'twice') this.write(source, target, data, isBinary)
    })
    source.on('ping', (data) => isOpen(target) && target.ping(data))
    source.on('pong', (data) => isOpen(target) && target.pong(data))
    source.on('error', () => {})
    source.on('close', (code, reason) => {
      // One that is not read never hears of its end.
      target.resume()
      if (code === 1005) target.close()
      else if (code === 1006) target.terminate()
      else target.close(code, reason)
      if (--this.openSides === 0) this.onEnd()
    })
  }

  private write(source: WebSocket, target: WebSocket, data: Buffer, isBinary: boolean): void {
    if (!isOpen(target)) return
    target.send(data, { binary: isBinary }, () => {
      if (target.bufferedAmount <= WAITING_BYTES) source.resume()
    })
    if (target.bufferedAmount > WAITING_BYTES) source.pause()
  }
}

/** `ws` throws for a ping on a WebSocket that is not. */
function isOpen(ws: WebSocket): boolean {
  return ws.readyState === ws.OPEN
}
