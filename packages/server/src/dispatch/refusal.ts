import { type ErrorBody, isRoomcastError } from '@roomcast/protocol'

/**
 * The body that tells a client what a middleware passed to `next`: its text and data are meant to be seen.
 * People pass texts and plain objects too; then there may be no message, and the fallback is sent.
 */
export function refusalBody(error: unknown, fallback: ErrorBody): ErrorBody {
  if (typeof error === 'string') return { ...fallback, message: error }
  const { message, data } = (typeof error === 'object' && error !== null ? error : {}) as Partial<ErrorBody>
  return {
    code: isRoomcastError(error) ? error.code : fallback.code,
    message: typeof message === 'string' ? message : fallback.message,
    data,
  }
}
