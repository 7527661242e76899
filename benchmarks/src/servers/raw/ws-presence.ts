import type { WebSocket } from 'ws'
import { RAW_PRESENCE_PATHS } from '../../load/dialects/presence/raw'
import { joinedBytes, leftBytes } from './presence'

/** Tells those who watch whenever somebody comes or goes. */
export class WsPresence {
  private readonly watchers = new Set<WebSocket>()

  /** @param url  Of the upgrade. @returns false if it is of somebody who has no name. */
  add(ws: WebSocket, url: string): boolean {
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    const name = searchParams.get('name')
    if (name === null) return false
    this.tell(joinedBytes(name))
    if (pathname === RAW_PRESENCE_PATHS.watching) this.watchers.add(ws)
    ws.on('close', () => {
      this.watchers.delete(ws)
      this.tell(leftBytes(name))
    })
    return true
  }

  private tell(bytes: Buffer): void {
    for (const watcher of this.watchers) watcher.send(bytes)
  }
}
