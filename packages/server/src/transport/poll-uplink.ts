import { FrameStream, isRoomcastError, LIMITS } from '@roomcast/protocol'
import type { AnySocket } from '../api/socket'
import type { Connection } from '../connection/connection'
import type { Receiver } from '../ingress/receive'

/** What a client sends with POSTs: numbered bodies, and the frames in them. */
export class PollUplink {
  /** Number of the last POST that was taken. */
  handled = 0
  private readonly stream: FrameStream
  /** Bytes of the frame that has begun; the lengths before frames make it a little too large. */
  private unfinishedBytes = 0

  constructor(
    private readonly connection: Connection<AnySocket>,
    private readonly receiver: Receiver,
    maxFrameBytes: number,
  ) {
    this.stream = new FrameStream(maxFrameBytes)
  }

  /** Hands the frames that are complete to the receiver. Never throws: a body that is malformed ends the connection. */
  receive(body: Uint8Array): void {
    const { connection, receiver } = this
    try {
      this.unfinishedBytes += body.length
      this.stream.push(body, LIMITS.pollFrames, (frame) => {
        this.unfinishedBytes -= frame.length
        receiver.receive(connection, frame)
      })
      // Of strangers not even the beginning of a large frame is kept, and the receiver sees only whole ones.
      const isTooMuch = this.unfinishedBytes > 2 * LIMITS.bytesBeforeConnect
      if (isTooMuch && !connection.hasBeenConnected) receiver.refuse(connection, 'CONNECT_LIMIT')
    } catch (error) {
      if (!isRoomcastError(error)) throw error
      const name = error.code === 'MESSAGE_TOO_LARGE' ? 'FRAME_TOO_LARGE' : 'BAD_FRAME'
      receiver.refuse(connection, name, error.message)
    }
  }
}
