import type { HttpResponse, TemplatedApp } from 'uws-pack'
import { RAW_POLL_PATH } from '../../load/dialects/polling/raw'

/** A GET that is held. */
interface HeldGet {
  readonly res: HttpResponse
  /** Whether the client is gone: the answer may not be touched any more. */
  isAborted: boolean
}

/** One client: its GET that is held, or the bytes that wait for the next one. */
interface PollSession {
  held: HeldGet | null
  waiting: Uint8Array | null
}

/**
 * Long-polling with nothing on top: a POST without a session is answered with one, the bytes of any other with the held GET
 * of that session.
 *
 * @returns Tells how many sessions there are.
 */
export function addUwsPolling(app: TemplatedApp): () => number {
  const sessions = new Map<string, PollSession>()
  let lastNumber = 0
  app.post(RAW_POLL_PATH, (res) => {
    const name = String(++lastNumber)
    sessions.set(name, { held: null, waiting: null })
    res.end(name)
  })
  app.get(`${RAW_POLL_PATH}/:session`, (res, req) => {
    const name = req.getParameter(0) ?? ''
    const session = sessions.get(name)
    if (session === undefined) return refuse(res)
    if (session.waiting !== null) {
      res.end(session.waiting)
      session.waiting = null
      return
    }
    const held: HeldGet = { res, isAborted: false }
    session.held = held
    res.onAborted(() => {
      held.isAborted = true
      sessions.delete(name)
    })
  })
  app.post(`${RAW_POLL_PATH}/:session`, (res, req) => {
    const session = sessions.get(req.getParameter(0) ?? '')
    if (session === undefined) return refuse(res)
    let before: Buffer[] | null = null
    res.onAborted(() => {})
    res.onData((chunk, isLast) => {
      if (!isLast) {
        // The engine takes the chunk back after this callback.
        before = [...(before ?? []), Buffer.from(chunk.slice(0))]
        return
      }
      answer(session, before === null ? new Uint8Array(chunk) : Buffer.concat([...before, new Uint8Array(chunk)]))
      res.cork(() => res.writeStatus('204 No Content').endWithoutBody())
    })
  })
  return () => sessions.size
}

/**
 * Not in the turn of the POST: the engine gathers the writes of one socket at a time (`cork`), and that is then the other. The
 * answer to the GET would leave in four system calls, at three times the price.
 */
function answer(session: PollSession, bytes: Uint8Array): void {
  const { held } = session
  const copy = bytes.slice()
  session.held = null
  if (held === null) session.waiting = copy
  else {
    setImmediate(() => {
      if (!held.isAborted) held.res.cork(() => held.res.end(copy))
    })
  }
}

function refuse(res: HttpResponse): void {
  res.writeStatus('404 Not Found').end()
}
