import {
  CLOSE_MEANINGS,
  createHeader,
  isRoomcastError,
  LIMITS,
  MESSAGE_TYPES,
  readHeader,
  readSwitchBody,
  type SwitchBody,
  TYPE_MASK,
} from '@roomcast/protocol'
import type { Runtime } from '../api/runtime'
import type { AnySocket } from '../api/socket'
import type { Connection } from '../connection/connection'
import type { Connections } from './connections'
import { PollSession } from './poll-session'
import type { PollSessions } from './poll-sessions'
import type { SwitchAttempt } from './switch-attempt'

/** Moves connections of polling sessions to WebSockets. PROTOCOL.md, "SWITCH". */
export class Switching {
  constructor(
    private readonly isAllowed: boolean,
    private readonly runtime: Runtime,
    private readonly connections: Connections,
    private readonly sessions: PollSessions,
  ) {}

  /** Whether a frame is a SWITCH, well made or not. */
  isSwitch(frame: Uint8Array): boolean {
    return frame.length > 0 && ((frame[0] as number) & TYPE_MASK) === MESSAGE_TYPES.SWITCH
  }

  /**
   * Handles the first frame of a WebSocket, a SWITCH.
   *
   * @param fresh  The connection that was made for the WebSocket. It takes no part if the move begins.
   * @returns null if it was refused: then the WebSocket is closed.
   */
  begin(fresh: Connection<AnySocket>, frame: Uint8Array): SwitchAttempt | null {
    const body = this.read(fresh, frame)
    if (body === null) return null
    const session = this.isAllowed ? this.sessions.find(body.session) : null
    const attempt = session instanceof PollSession ? session.beginSwitch(fresh.port, body.received) : null
    if (attempt === null) fresh.end('SWITCH_REFUSED', 'transport error')
    else this.connections.discard(fresh)
    return attempt
  }

  private read(fresh: Connection<AnySocket>, frame: Uint8Array): SwitchBody | null {
    if (frame.length > LIMITS.bytesBeforeConnect) {
      fresh.end('CONNECT_LIMIT', 'parse error')
      return null
    }
    try {
      const { bodyStart } = readHeader(frame, createHeader())
      return readSwitchBody(this.runtime.codec.decode(frame, bodyStart))
    } catch (error) {
      fresh.end('BAD_FRAME', 'parse error', isRoomcastError(error) ? error.message : CLOSE_MEANINGS.BAD_FRAME)
      return null
    }
  }
}
