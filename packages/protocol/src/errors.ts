import type { ErrorCode } from './tables/error-codes'

const BRAND = Symbol.for('roomcast.error')

/** Extra parts of a {@link RoomcastError}. */
export interface RoomcastErrorOptions {
  /** Details for the program on the other side; any encodable value. Travels with the error. @default undefined */
  readonly data?: unknown
  /** What led to it. Stays on this machine. @default undefined */
  readonly cause?: unknown
}

/**
 * The one error of Roomcast. Match `code`, never the text: the text is for people and may change, and two
 * copies of a package may be loaded, so `instanceof` may fail where {@link isRoomcastError} does not.
 *
 * Thrown from an event handler it reaches the caller with its code, message and data; any other error
 * thrown there reaches the caller as `HANDLER_FAILED` without its text.
 */
export class RoomcastError extends Error {
  /** A code of the table in PROTOCOL.md, "Errors", or the application's own. */
  readonly code: ErrorCode | (string & {})
  /** Details given by the thrower, if any. */
  readonly data: unknown

  /**
   * @param code     Stable name for programs.
   * @param message  One sentence for people: the thing, the limit and the value.
   */
  constructor(code: ErrorCode | (string & {}), message: string, options?: RoomcastErrorOptions) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RoomcastError'
    this.code = code
    this.data = options?.data
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** Whether `error` is a {@link RoomcastError}, of whichever loaded copy of the package. */
export function isRoomcastError(error: unknown): error is RoomcastError {
  return typeof error === 'object' && error !== null && BRAND in error
}
