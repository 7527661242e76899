import { setTimeout as sleep } from 'node:timers/promises'
import { answerRequests } from '../../process/control'
import { type Quantiles, Samples } from '../../samples'
import { Member, type MemberEvents } from '../member'

/*
 * A process of healthy clients: they read whatever comes at once, and measure how old it is.
 */

const CONNECTING_AT_ONCE = 64
const US_PER_MS = 1_000
/** Time in which the last message must have come. */
const DRAIN_TIMEOUT_MS = 20_000
const DRAIN_STEP_MS = 5

/** Commands of the process. Each fails if a member has failed, or has missed a message. */
export interface CrowdCommands {
  /** Opens `count` more members, which the server puts into the room; '' for none. */
  connect(args: { port: number; room: string; count: number }): Promise<void>
  /** Forgets what was measured. */
  begin(args: undefined): void
  /** Waits until each member has the message of this number. @returns Ages of all messages since `begin`, in milliseconds. */
  ages(args: { last: number }): Promise<Quantiles>
  /** Each member calls, and again `pauseMs` after the answer, for `windowMs`. @returns Round trips in milliseconds. */
  call(args: { windowMs: number; pauseMs: number }): Promise<Quantiles>
}

const members: Member[] = []
const ages = new Samples()
const trips = new Samples()
let failure: Error | undefined
let onJoined = () => {}
let onFailed = (_error: Error) => {}

const shared: Omit<MemberEvents, 'answered'> = {
  joined: () => onJoined(),
  message: (_member, _number, ageUs) => ages.add(ageUs / US_PER_MS),
  failed(reason) {
    failure ??= new Error(`a healthy member failed: ${reason}`)
    onFailed(failure)
  },
}
const onAnswer = new Map<Member, () => void>()

answerRequests<CrowdCommands>(
  {
    connect: ({ port, room, count }) => connect(port, room, count),
    begin() {
      assertWhole()
      ages.take()
      trips.take()
    },
    async ages({ last }) {
      const deadline = performance.now() + DRAIN_TIMEOUT_MS
      while (members.some((member) => member.last !== last)) {
        assertWhole()
        if (performance.now() > deadline) throw new Error(`message ${last} has not reached every healthy member`)
        await sleep(DRAIN_STEP_MS)
      }
      return ages.take()
    },
    call: ({ windowMs, pauseMs }) => call(windowMs, pauseMs),
  },
  undefined,
)

function connect(port: number, room: string, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let opened = 0
    let joined = 0
    const open = () => {
      opened++
      const member: Member = new Member(port, room, {
        ...shared,
        answered(tripUs) {
          trips.add(tripUs / US_PER_MS)
          onAnswer.get(member)?.()
        },
      })
      members.push(member)
    }
    onFailed = reject
    onJoined = () => {
      joined++
      if (opened < count) open()
      else if (joined === count) resolve()
    }
    while (opened < Math.min(count, CONNECTING_AT_ONCE)) open()
  })
}

async function call(windowMs: number, pauseMs: number): Promise<Quantiles> {
  let isOver = false
  let waiting = 0
  const send = (member: Member) => {
    if (isOver) return
    waiting++
    member.call()
  }
  for (const member of members) {
    onAnswer.set(member, () => {
      waiting--
      setTimeout(() => send(member), pauseMs)
    })
    // So that not all of them ask in one moment.
    setTimeout(() => send(member), Math.random() * pauseMs)
  }
  await sleep(windowMs)
  isOver = true
  const deadline = performance.now() + DRAIN_TIMEOUT_MS
  while (waiting > 0) {
    assertWhole()
    if (performance.now() > deadline) throw new Error(`${waiting} calls of healthy members have no answer`)
    await sleep(DRAIN_STEP_MS)
  }
  return trips.take()
}

function assertWhole(): void {
  if (failure) throw failure
}
