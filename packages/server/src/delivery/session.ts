import { withPosition } from '@roomcast/protocol'
import type { Ring } from '../cluster/ring'
import { packMessage, type StoredMessage } from './stored-message'

/** Number of a socket's own stream. */
export const OWN_STREAM = 0

const NO_ROOMS: readonly string[] = []

/** What outlives the link of one socket. */
export class Session {
  /** Key of the secret that the client was given last. */
  key = ''
  /** Key of the one before, as long as it is not known whether the client has the new one. */
  formerKey: string | null = null
  private ring: Ring | null = null

  constructor(
    /** Of the socket. */
    readonly id: string,
    /** Name of the namespace. */
    readonly nsp: string,
    /** Secret of the client's own making. */
    readonly client: string,
    private readonly makeRing: () => Ring,
  ) {}

  /** Messages to this socket alone. Made with the first: many a socket never has one. */
  get own(): Ring {
    this.ring ??= this.makeRing()
    return this.ring
  }

  /** Forgets what it keeps; positions go on. */
  clear(): void {
    this.ring?.clear()
  }

  /** Keeps a message to the socket alone that is about to be sent. @returns The frame with its position. */
  keepSent(frame: Uint8Array, compress: boolean, order: number, namespace: number): Uint8Array {
    return withPosition(frame, namespace, OWN_STREAM, this.keep({ compress, order, rooms: NO_ROOMS, frame }))
  }

  /**
   * Keeps a message to the socket alone. With `rooms` it is in their streams too, and the socket has it from there, as long as it may be
   * in one of them.
   *
   * @returns Its position.
   */
  keep(message: Omit<StoredMessage, 'except'>): number {
    return this.own.push(packMessage({ ...message, except: NO_ROOMS }), Date.now())
  }
}
