import { isCount } from '@roomcast/protocol'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { Soon } from '../cluster/engine'
import { type Missed, missedOfOwn, readBehind } from '../delivery/missed'
import { OWN_STREAM } from '../delivery/session'
import { soon, soonEach } from '../delivery/soon'
import { isInside, type Tracking } from '../delivery/tracking'
import type { Reply } from './reply'
import { invalid } from './request-error'

/** What a client says of one stream. */
interface Wanted {
  readonly number: number
  /** Position received last; null if it does not know the stream. */
  readonly after: number | null
  readonly upTo: number
}

/** `sync`: sends again what the client has missed, as much as there is place for. PROTOCOL.md, section 12. */
export function sync(socket: AnySocket, args: readonly unknown[], reply: Reply): Soon<void> {
  const wanted = readWanted(args[0])
  const { tracking } = socket
  const { runtime } = socket.host
  const session = tracking?.session
  if (session?.formerKey) tracking?.settle(tracking.resumedAt)
  if (session) runtime.sessions?.confirm(session)
  const all = args[1] === true ? [...wanted, ...unnamed(tracking, wanted)] : wanted
  let bytesLeft = runtime.resendBytes
  const sent = soonEach(all, (each) => {
    if (bytesLeft <= 0 || !socket.connected) return
    return soon(resend(socket, each, bytesLeft), (bytes) => {
      bytesLeft -= bytes
    })
  })
  return soon(sent, () => reply.send([]))
}

/** @throws RoomcastError `INVALID_REQUEST`. */
function readWanted(value: unknown): Wanted[] {
  if (!Array.isArray(value)) throw invalid('there is no list of positions')
  const wanted = new Map<number, Wanted>()
  for (const each of value as unknown[]) {
    const [number, after, end] = Array.isArray(each) ? each : []
    const upTo: unknown = end ?? Number.POSITIVE_INFINITY
    const isLegal = isCount(number) && (after === null || isCount(after))
    if (!isLegal || !(upTo === Number.POSITIVE_INFINITY || isCount(upTo))) throw invalid('a position is malformed')
    wanted.set(number, { number, after, upTo: upTo as number })
  }
  return [...wanted.values()]
}

/** Streams that the socket is in, and that the client has not named. */
function unnamed(tracking: Tracking | null, wanted: readonly Wanted[]): Wanted[] {
  const named = new Set(wanted.map(({ number }) => number))
  return (tracking?.places ?? [])
    .filter((place) => isInside(place) && !named.has(place.stream.number))
    .map(({ stream }) => ({ number: stream.number, after: null, upTo: Number.POSITIVE_INFINITY }))
}

/** @returns Bytes that were sent. */
function resend(socket: AnySocket, { number, after, upTo }: Wanted, maxBytes: number): Soon<number> {
  const mayExceed = maxBytes === socket.host.runtime.resendBytes
  const { tracking } = socket
  const { maker, streams } = (socket.host as AnyNamespace).inside
  if (number === OWN_STREAM && tracking?.session) {
    const { own } = tracking.session
    const from = Math.min(after ?? 0, own.top)
    const missed = missedOfOwn(own, { after: from, upTo, maxBytes, mayExceed }, streams.readerOf(socket), maker)
    // What has arrived is not asked for again.
    own.trimTo(from)
    return sendMissed(socket, number, missed)
  }
  const place = tracking?.placeOf(number)
  if (place === undefined) {
    socket.notify(['left', number, null])
    return 0
  }
  const range = { after: Math.max(place.from, after ?? 0), upTo: Math.min(place.to, upTo), maxBytes, mayExceed }
  return soon(readBehind(socket.host.runtime.engine, place.stream, range.after, range.upTo), (reading) => {
    const missed = reading.missed(range, streams.readerOf(socket), maker)
    reading.end()
    // It may have been out in between, and has heard of neither.
    if (after === null || after < place.from) socket.notify(['joined', number, place.from])
    const bytes = sendMissed(socket, number, missed)
    if (!isInside(place) && !missed.isCut && upTo >= place.to) socket.notify(['left', number, null])
    return bytes
  })
}

function sendMissed(socket: AnySocket, number: number, { frames, lostTo, bytes }: Missed): number {
  socket.host.runtime.turn.flush()
  if (lostTo !== null) socket.notify(['lost', number, lostTo])
  for (const { frame } of frames) socket.sendFrame(frame)
  return bytes
}
