import { setTimeout as sleep } from 'node:timers/promises'
import { type Audience, isInUnion } from '../payloads'
import { Connection, type ConnectionEvents } from './connection'
import { DIALECTS, type DialectName } from './dialects'
import type { Dialect, Role } from './dialects/dialect'
import { FailureLatch } from './failure-latch'

/** Time given to frames that should not come. */
const SURPLUS_MS = 20

/** Connections to open. */
export interface ConnectOptions {
  readonly port: number
  readonly dialect: DialectName
  readonly count: number
  /** @default 'member' */
  readonly role?: Role | undefined
}

/**
 * The connections of a load process, and whether one of them has failed: then everything that waits for them fails, and
 * whatever is asked for later.
 *
 * A task (`tasks/`) tells the connections what to expect and listens with {@link Crowd.onReceived} until it is done. There
 * is one task at a time.
 */
export class Crowd extends FailureLatch {
  readonly connections: Connection[] = []
  /** `count` expected frames have arrived at `connection`. */
  onReceived = (_connection: Connection, _count: number) => {}
  private onJoined = () => {}
  private used: Dialect = DIALECTS.raw
  private readonly events: ConnectionEvents = {
    joined: () => this.onJoined(),
    received: (connection, count) => this.onReceived(connection, count),
    failed: (reason) => this.fail(`a connection failed: ${reason}`),
  }

  /** How the connections speak. */
  get dialect(): Dialect {
    return this.used
  }

  /** Opens more connections and waits until all of them are in the room. */
  async connect({ port, dialect, count, role = 'member' }: ConnectOptions): Promise<void> {
    this.used = DIALECTS[dialect]
    const before = this.withRole(role).length
    await this.openAll(count, (number, joined) => {
      this.onJoined = joined
      this.connections.push(new Connection(port, this.used, role, before + number, this.events))
    })
  }

  withRole(role: Role): readonly Connection[] {
    return this.connections.filter((connection) => connection.role === role)
  }

  /** Who gets what is sent to `audience`. Speakers are among those who get nothing. */
  listeners(audience: Audience): readonly Connection[] {
    if (audience === 'room') return this.connections.filter(({ role }) => role !== 'speaker')
    return this.withRole('grouped').filter(({ number }) => isInUnion(number))
  }

  /** Gives frames that should not come time to come. @throws Error if a connection has failed. */
  async settle(): Promise<void> {
    await sleep(SURPLUS_MS)
    this.assertWhole()
  }
}
