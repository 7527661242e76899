import { withPosition } from '@roomcast/protocol'
import type { Ring } from '../cluster/ring'
import { packMessage } from './stored-message'

/** Number of a socket's own stream. */
export const OWN_STREAM = 0

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

  /** Keeps a message to the socket alone. @returns The frame with its position. */
  keep(frame: Uint8Array, compress: boolean, order: number, namespace: number): Uint8Array {
    const position = this.own.push(packMessage({ compress, order, except: [], rooms: [], frame }), Date.now())
    return withPosition(frame, namespace, OWN_STREAM, position)
  }
}
