import { httpRequest } from '../../http-wire'
import { rawDialect } from '../raw'
import { ANSWERED, type PollingDialect, UNEXPECTED } from './dialect'

/** Where the bare server polls; a session's number follows. */
export const RAW_POLL_PATH = '/poll'

const NUMBER = /^\d+$/

/** A bare HTTP server: what is posted comes back with the GET of that client. The bytes are Roomcast's. */
export const rawPolling: PollingDialect = {
  taken: { status: 204, body: '' },
  open: (port) => httpRequest('POST', port, RAW_POLL_PATH, [], ''),
  begin(port, body) {
    const number = body.toString('latin1')
    if (!NUMBER.test(number)) throw new Error(`a session was given as ${JSON.stringify(number)}`)
    const bytes = Buffer.concat(rawDialect.call(0).map(({ payload }) => payload))
    const path = `${RAW_POLL_PATH}/${number}`
    const get = httpRequest('GET', port, path, [])
    const post = httpRequest('POST', port, path, [], bytes.toString('latin1'))
    return {
      greeting: () => undefined,
      poll: () => get,
      call: () => post,
      take: (answer) => (answer.equals(bytes) ? ANSWERED : UNEXPECTED),
    }
  },
}
