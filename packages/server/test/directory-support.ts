import { setImmediate } from 'node:timers/promises'
import { createCompactCodec } from '@roomcast/protocol'
import type { ServerOptions } from '@roomcast/server'
import type { TestServer } from '../../../test-kit/server'
import type { Directory, Engine, Member, MemberDelta, MemberPage, NodeInfo } from '../src/cluster/engine'
import { MemoryDirectory } from '../src/cluster/memory/memory-directory'
import { MemoryEngine } from '../src/cluster/memory/memory-engine'
import { MessageBudget } from '../src/cluster/message-budget'
import { TimingWheel } from '../src/connection/timing-wheel'
import type { People } from '../src/people/people'
import { NEVER_MS, startPeople } from './user-lists-support'

/** A directory that answers now or later, and fails as a test has it. */
export class TestDirectory implements Directory {
  readonly memory = new MemoryDirectory('here')
  /** What it was told, call by call; also what it refused. */
  readonly batches: (readonly MemberDelta[])[] = []
  /** Calls of `setMembers` that have not been answered, and most of them at a time. */
  open = 0
  mostOpen = 0
  /** Whether answers come in a later turn, or in this one. */
  isLater = false
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve()
  /** Why the next changes are refused: before, or after they were taken. */
  refusal: () => 'after' | 'before' | null = () => null
  /** What questions are answered with instead. */
  fault: (() => never) | null = null

  heartbeat(info: NodeInfo): readonly NodeInfo[] {
    return this.memory.heartbeat(info)
  }

  setMembers(changes: readonly MemberDelta[]): Promise<void> | void {
    this.batches.push(changes)
    if (!this.isLater) return this.take(changes)
    this.mostOpen = Math.max(this.mostOpen, ++this.open)
    return this.later(() => this.take(changes)).finally(() => this.open--)
  }

  count(room: string): Promise<number> | number {
    return this.answer(() => this.memory.count(room))
  }

  get(room: string, userId: string): Member | Promise<Member | null> | null {
    return this.answer(() => this.memory.get(room, userId))
  }

  list(room: string, options: { readonly limit: number; readonly after?: string }): MemberPage | Promise<MemberPage> {
    return this.answer(() => this.memory.list(room, options))
  }

  reap(nodeId: string, budget: number): ReturnType<MemoryDirectory['reap']> {
    return this.memory.reap(nodeId, budget)
  }

  /** It has lost everything. */
  forget(): void {
    this.memory.close()
  }

  /** Who is on a list, as `id devices`. */
  lines(room: string): string[] {
    return this.memory.list(room, { limit: 100_000 }).members.map(({ userId, devices }) => `${userId} ${devices}`)
  }

  private take(changes: readonly MemberDelta[]): void {
    const refusal = this.refusal()
    if (refusal !== 'before') this.memory.setMembers(changes)
    if (refusal !== null) throw new Error(`refused ${refusal} it was taken`)
  }

  private answer<Value>(read: () => Value): Promise<Value> | Value {
    const question = this.fault ?? read
    return this.isLater ? this.later(question) : question()
  }

  private async later<Value>(answer: () => Value): Promise<Value> {
    await setImmediate()
    await this.gate
    return answer()
  }
}

/** A server whose people are reported to a directory that a test has. */
export function startWith(
  directory: Directory,
  options: ServerOptions = {},
  setUp?: Parameters<typeof startPeople>[1],
): Promise<TestServer> {
  const wheel = new TimingWheel()
  const memory = new MemoryEngine({ budget: new MessageBudget(1_000_000, wheel), wheel })
  const { name, nodeId, bus, log, store } = memory
  const start: Engine['start'] = (events) => memory.start(events)
  const engine: Engine = { name, nodeId, bus, log, store, directory, start, close: () => memory.close() }
  return startPeople({ engine, presence: { graceMs: NEVER_MS }, ...options }, setUp)
}

/** The inside of the namespaces of a server. */
export interface Inside {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: of whatever sockets
  readonly people: { readonly known: People<any>; close(): void }
}

export function insideOf({ io }: TestServer): Inside[] {
  return (io as unknown as { namespaces: { all(): Inside[] } }).namespaces.all()
}

export const codec = createCompactCodec()

/** A user whom another server has reported. */
export function stranger(room: string, userId: string, fields: object, devices = 1): MemberDelta {
  const profile = codec.encode(fields, 0).slice()
  return { room, userId, member: { userId, devices, joinedAt: Date.now(), profile } }
}
