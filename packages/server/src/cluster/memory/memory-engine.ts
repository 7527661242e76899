import { randomUUID } from 'node:crypto'
import type { TimingWheel } from '../../connection/timing-wheel'
import type { Engine, EngineEvents } from '../engine'
import type { MessageBudget } from '../message-budget'
import { MemoryBus } from './memory-bus'
import { MemoryDirectory } from './memory-directory'
import { MemoryLog } from './memory-log'
import { MemoryStore } from './memory-store'

/** What a {@link MemoryEngine} needs. */
export interface MemoryEngineOptions {
  /** Memory for the frames of its log, shared with whatever else the server keeps. */
  readonly budget: MessageBudget
  /** For what ends by itself. */
  readonly wheel: TimingWheel
  /** @default A random one. */
  readonly nodeId?: string
  /** Memory for the store. @default LIMITS.resultBytesOfAll */
  readonly maxStoreBytes?: number
}

/** The engine of a single process: every answer is there at once, and nothing outlives it. */
export class MemoryEngine implements Engine {
  readonly name = 'memory'
  readonly nodeId: string
  readonly bus: MemoryBus
  readonly log: MemoryLog
  readonly directory: MemoryDirectory
  readonly store: MemoryStore

  constructor({ budget, wheel, nodeId = randomUUID(), maxStoreBytes }: MemoryEngineOptions) {
    this.nodeId = nodeId
    this.bus = new MemoryBus(nodeId, (channel) => this.log.onUnsubscribed(channel))
    this.log = new MemoryLog(this.bus, budget)
    this.directory = new MemoryDirectory(nodeId)
    this.store = new MemoryStore(wheel, maxStoreBytes)
  }

  start(events: EngineEvents): void {
    this.bus.open(events)
  }

  close(): void {
    this.bus.close()
    this.log.close()
    this.directory.close()
    this.store.close()
  }
}
