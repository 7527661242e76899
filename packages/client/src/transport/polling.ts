import {
  closeVerdict,
  POLL_CONTENT_TYPE,
  POLL_HEADERS,
  POLL_ROUTE,
  readBatch,
  SUBPROTOCOL,
  writeBatch,
} from '@roomcast/protocol'
import { ABNORMAL, BAD_FRAME, POLL_BODY_BYTES, POLL_FRAMES } from '../tables'
import type { MovableTransport, OpenTransport } from './transport'

/*
 * The transport over HTTP requests. PROTOCOL.md, "Polling".
 *
 *   open     POST                    → session
 *   down     GET with what was received, again and again; one at a time
 *   up       POST 1, 2, 3 … with what is to be sent; one at a time, repeated until it is answered
 *   close    DELETE, behind what is still to be sent
 */

/** A request that nobody answers, or only a proxy that fails, is tried three more times. */
const RETRY_DELAYS_MS = [0, 250, 1_000]
/** A POST that is not answered by then is tried again on another link: the engine cuts bodies that take longer. */
const POST_MS = 8_000
/** How long the last requests of a link that was closed may take. */
const LEAVE_MS = 10_000
const NOTHING = new Uint8Array(0)

/** A refusal by the server. PROTOCOL.md, "Refusals". */
interface Refusal {
  readonly message?: string
  readonly close?: number
  readonly retryAfterMs?: number
}

/** `<id>.<secret>`: a page that some network answers instead of the server is none. */
const SESSION = /^[\w-]+\.[\w-]+$/
/** An answer without frames that comes at once is not followed at once. */
const HASTY_MS = 50

/** The transport over `fetch`, which is looked up at each request. */
export const pollingTransport: OpenTransport<MovableTransport> = (target, events) => {
  const url = new URL(target.url)
  url.pathname += `/${POLL_ROUTE}`
  /**
   * For GETs, with the public half of the session's name: Chromium has GETs of one URL wait for each other, in other tabs
   * too, unless `cache` is `no-store`; and then it asks another origin's server for permission again and again.
   */
  const receiveUrl = new URL(url)
  let session = ''
  /** Whether the end was reported. */
  let isOver = false
  /** Stops every request; none is begun any more. */
  const dead = new AbortController()
  /** Stops the requests that receive. */
  let receiving = new AbortController()
  let received = 0
  const unsent: Uint8Array[] = []
  /** Of a batch that has begun to be sent. */
  let rest: Uint8Array<ArrayBuffer> = NOTHING
  /** Of what is unsent, of the rest, and of the body on its way. */
  let bufferedBytes = 0
  let seq = 0
  let isSending = false
  let isPaused = false
  let onIdle = () => {}

  /** A page that is closed says good-bye, as a WebSocket does for it; one that may come back does not. */
  const onPageHide = (event: Event) => {
    if (session && !('persisted' in event && event.persisted)) request('DELETE', dead.signal)
  }
  const page = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>
  page.addEventListener?.('pagehide', onPageHide)

  const stop = () => {
    isOver = true
    page.removeEventListener?.('pagehide', onPageHide)
    receiving.abort()
  }
  const finish = (code: number, reason: string, retryAfterMs?: number) => {
    if (isOver) return
    stop()
    events.onClose(code, reason, retryAfterMs)
  }
  const fail = (code: number, reason: string, retryAfterMs?: number) => {
    dead.abort()
    finish(code, reason, retryAfterMs)
  }

  const sign = () => {
    if (!isOver) events.onSign()
  }

  /** @returns null if the next try may have another end. Never throws; a refusal ends the link. */
  const request = async (
    method: string,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
    body: Uint8Array<ArrayBuffer> | null = null,
  ): Promise<Response | null> => {
    try {
      const response = await fetch(method === 'GET' ? receiveUrl : url, {
        method,
        headers: { ...target.headers, ...(session && { [POLL_HEADERS.session]: session }), ...headers },
        body,
        signal,
        credentials: target.withCredentials ? 'include' : 'same-origin',
        // The session's secret is for this server.
        redirect: 'error',
        // The page may be on its way out.
        keepalive: method === 'DELETE',
      })
      // A proxy may add parameters to the type.
      const isOurs = response.headers.get('content-type')?.startsWith(POLL_CONTENT_TYPE)
      const isForeign = response.status === 200 && session && !isOurs
      if (response.ok && !isForeign) {
        // A GET, or the first POST. That others are answered says nothing about the way back, on which the frames come.
        if (!session || method === 'GET') sign()
        return response
      }
      if ((isForeign || response.status >= 500) && session) return null
      const { close, message, retryAfterMs } = (await response.json().catch(() => ({}))) as Refusal
      if (!signal.aborted) fail(close ?? ABNORMAL, message ?? `HTTP status ${response.status}`, retryAfterMs)
    } catch (error) {
      if (!session) fail(ABNORMAL, `${error}`)
    }
    return null
  }

  /** Repeats an attempt until it succeeds, is stopped, or has failed too often. */
  const insist = async <Result>(
    signal: AbortSignal,
    attempt: (once: AbortController) => Promise<Result | null>,
  ): Promise<Result | null> => {
    for (let tries = 0; !signal.aborted; tries++) {
      // One for each try: `fetch` of Node.js leaves a listener with each signal that it was given.
      const once = new AbortController()
      const cancel = () => once.abort()
      signal.addEventListener('abort', cancel)
      const result = await attempt(once)
      signal.removeEventListener('abort', cancel)
      if (result !== null || signal.aborted) return result
      const delay = RETRY_DELAYS_MS[tries]
      if (delay === undefined) fail(ABNORMAL, 'no answer')
      await pause(delay)
    }
    return null
  }

  const receive = async () => {
    const { signal } = receiving
    while (!signal.aborted) {
      const askedAt = performance.now()
      const body = await insist(signal, async (once) => {
        let timer: ReturnType<typeof setTimeout> | undefined
        const wait = () => {
          clearTimeout(timer)
          timer = setTimeout(() => once.abort(), target.silenceMs())
        }
        wait()
        const response = await request('GET', once.signal, { [POLL_HEADERS.seq]: `${received}` })
        // The body may be cut off as well.
        const read = response && (await readBody(response, () => [sign(), wait()]))
        clearTimeout(timer)
        return read
      })
      if (!body?.length) {
        if (performance.now() - askedAt < HASTY_MS) await pause(RETRY_DELAYS_MS[1])
        continue
      }
      try {
        readBatch(body, (frame, number) => {
          // An answer that was lost comes again. A listener may have stopped us: what it did not see comes again too.
          if (number !== received + 1 || signal.aborted) return
          received = number
          events.onFrame(frame)
        })
      } catch {
        fail(BAD_FRAME, 'BAD_FRAME')
      }
    }
  }

  const send = async () => {
    if (isSending || !session) return
    isSending = true
    while ((rest.length > 0 || (unsent.length > 0 && !isPaused)) && !dead.signal.aborted) {
      if (rest.length === 0) {
        const frames = takeFrames(unsent)
        rest = writeBatch(frames, -1)
        // It has their lengths as well.
        bufferedBytes += rest.length - bytesOf(frames)
      }
      const body = rest.subarray(0, POLL_BODY_BYTES)
      rest = rest.subarray(body.length)
      const headers = { [POLL_HEADERS.seq]: `${++seq}`, 'content-type': POLL_CONTENT_TYPE }
      await insist(dead.signal, (once) => {
        const timer = setTimeout(() => once.abort(), POST_MS)
        return request('POST', once.signal, headers, body).finally(() => clearTimeout(timer))
      })
      bufferedBytes -= body.length
    }
    isSending = false
    onIdle()
  }

  /** Says good-bye, behind what is still to be sent. */
  const leave = () => {
    const timer = setTimeout(() => dead.abort(), LEAVE_MS)
    isPaused = false
    onIdle = async () => {
      onIdle = () => {}
      await request('DELETE', dead.signal)
      clearTimeout(timer)
      dead.abort()
    }
    send()
  }

  queueMicrotask(async () => {
    const response = await request('POST', dead.signal, { 'content-type': POLL_CONTENT_TYPE })
    session = (await response?.text().catch(() => '')) ?? ''
    if (!SESSION.test(session) || isOver) return fail(ABNORMAL, 'no session was given')
    receiveUrl.searchParams.set('id', session.split('.', 1)[0] as string)
    events.onOpen(SUBPROTOCOL)
    receive()
  })

  return {
    send(frame) {
      unsent.push(frame.slice())
      bufferedBytes += frame.length
      // Together with what else is sent in this turn.
      queueMicrotask(send)
    },
    close(code, reason) {
      if (isOver) return
      finish(code, reason)
      // To leave is to mean it: a link that is given up is as one that is lost. A session that is on its way ends by itself.
      if (session && closeVerdict(code) === 'never') leave()
      else dead.abort()
    },
    pause(onPaused) {
      isPaused = true
      receiving.abort()
      onIdle = () => {
        onIdle = () => {}
        if (!isOver) onPaused(session, received)
      }
      if (!isSending) onIdle()
    },
    resume() {
      isPaused = false
      onIdle = () => {}
      receiving = new AbortController()
      receive()
      send()
    },
    handOver() {
      stop()
      dead.abort()
      return unsent
    },
    bufferedBytes: () => bufferedBytes,
  }
}

function pause(ms: number | undefined): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Reads an answer to its end. @param onPart  Called for each part of it. @returns null if it was cut off. */
async function readBody({ body }: Response, onPart: () => void): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  try {
    const reader = body?.getReader()
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      parts.push(next.value)
      onPart()
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer())
  } catch {
    return null
  }
}

function bytesOf(frames: readonly Uint8Array[]): number {
  return frames.reduce((bytes, { length }) => bytes + length, 0)
}

/** Takes frames out of a queue: as many as a body may begin, and no more than fill it. */
function takeFrames(queue: Uint8Array[]): Uint8Array[] {
  let count = 0
  let bytes = 0
  while (count < queue.length && count < POLL_FRAMES && bytes < POLL_BODY_BYTES) {
    bytes += (queue[count++] as Uint8Array).length
  }
  return queue.splice(0, count)
}
