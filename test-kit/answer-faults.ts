import type { IncomingMessage, ServerResponse } from 'node:http'
import { type CutHow, reset } from './fault-link'
import { copyHead, RequestRules, readBody, type SeenRequest } from './http-relay'

/** What becomes of an answer that is lost. */
interface Loss {
  /** Bytes of the body that are sent before the cut; undefined for nothing at all. */
  readonly afterBytes: number | undefined
  readonly how: CutHow
}

/** What an answer waits for. */
type HeldUntil = 'next answer' | 'release'

interface HeldAnswer {
  readonly deliver: () => void
  readonly until: HeldUntil
}

/** What becomes of answers of the server. Rules are asked when the head of an answer is there. */
export class AnswerFaults {
  readonly losses = new RequestRules<Loss>()
  readonly holds = new RequestRules<HeldUntil>()
  /** 0 for no buffer. */
  bufferBytes = 0
  /** Answers that were lost so far. */
  lost = 0
  private held: HeldAnswer[] = []

  /** Answers that wait. */
  get waiting(): number {
    return this.held.length
  }

  pass(): void {
    this.losses.clear()
    this.holds.clear()
    this.bufferBytes = 0
    this.release()
  }

  /** Delivers all answers that wait, the oldest first. */
  release(): void {
    const { held } = this
    this.held = []
    for (const { deliver } of held) deliver()
  }

  /** An answer was sent to a client. */
  onSent(): void {
    const next = this.held.find(({ until }) => until === 'next answer')
    if (next === undefined) return
    this.held = this.held.filter((held) => held !== next)
    next.deliver()
  }

  /** Hands an answer on, or does with it what is to be done. Rejects when it is cut off. */
  async handOn(seen: SeenRequest, from: IncomingMessage, to: ServerResponse): Promise<void> {
    const loss = this.losses.take(seen)
    if (loss !== undefined) return this.lose(loss, from, to)
    const until = this.holds.take(seen)
    if (until !== undefined) return this.hold(until, from, to)
    if (this.bufferBytes > 0) return passInPieces(from, to, this.bufferBytes)
    copyHead(from, to)
    for await (const chunk of from) {
      if (!to.write(chunk)) await drained(to)
    }
    to.end()
  }

  private async lose({ afterBytes, how }: Loss, from: IncomingMessage, to: ServerResponse): Promise<void> {
    const body = await readBody(from)
    const { socket } = to
    this.lost++
    const cut = () => {
      if (socket === null) return
      if (how === 'reset') reset(socket)
      else socket.destroy()
    }
    if (afterBytes === undefined) return cut()
    copyHead(from, to)
    to.write(body.subarray(0, afterBytes), cut)
  }

  private async hold(until: HeldUntil, from: IncomingMessage, to: ServerResponse): Promise<void> {
    const body = await readBody(from)
    if (to.destroyed) return
    const deliver = () => {
      copyHead(from, to)
      to.end(body)
    }
    this.held.push({ deliver, until })
    to.on('close', () => {
      this.held = this.held.filter((held) => held.deliver !== deliver)
    })
  }
}

/** Hands an answer on in pieces of `bytes` and more; the rest, and what is smaller, when it has ended. */
async function passInPieces(from: IncomingMessage, to: ServerResponse, bytes: number): Promise<void> {
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const chunk of from) {
    held.push(chunk as Buffer)
    heldBytes += (chunk as Buffer).length
    if (heldBytes < bytes) continue
    if (!to.headersSent) copyHead(from, to)
    if (!to.write(Buffer.concat(held))) await drained(to)
    held = []
    heldBytes = 0
  }
  if (!to.headersSent) copyHead(from, to)
  to.end(Buffer.concat(held))
}

/** Waits until the client has taken what it was sent; one that is gone never does. */
function drained(to: ServerResponse): Promise<void> {
  if (to.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      to.off('drain', done)
      to.off('close', done)
      resolve()
    }
    to.on('drain', done)
    to.on('close', done)
  })
}
