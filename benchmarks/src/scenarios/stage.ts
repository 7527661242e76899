import { fileURLToPath } from 'node:url'
import type { ServerOptions } from '@roomcast/server'
import { Child } from '../process/child'
import type { Commands } from '../process/control'
import type { Pinning } from '../process/pinning'
import type { ClientsCommands } from './processes/clients'
import type { CrowdCommands } from './processes/crowd'
import type { FlooderCommands } from './processes/flooder'
import type { Produced, Production, ServerCommands } from './processes/server'

/** Time for what takes no time by design. */
export const SLACK_MS = 30_000

/** A young generation at its smallest from the start: what V8 takes and gives back is no memory of connections. */
const SERVER_FLAGS = ['--expose-gc', '--max-semi-space-size=1']

/** A server, in a process of its own. */
export interface StageServer {
  readonly child: Child<ServerCommands>
  readonly port: number
  produce(production: Production): Promise<Produced>
}

/** The processes of a scenario. All of them end with it, however it ends. */
export class Stage implements AsyncDisposable {
  private readonly children: { stop(): Promise<void> }[] = []

  constructor(private readonly pinning: Pinning) {}

  async server(options: ServerOptions): Promise<StageServer> {
    const core = this.pinning.kind === 'pinned' ? this.pinning.serverCore : undefined
    const child = await this.start<ServerCommands>('server', SERVER_FLAGS, core)
    const port = await child.request('listen', { options }, SLACK_MS)
    return {
      child,
      port,
      produce: (production) => child.request('produce', production, production.windowMs + SLACK_MS),
    }
  }

  /** Healthy clients. */
  crowd(): Promise<Child<CrowdCommands>> {
    return this.start<CrowdCommands>('crowd', [], this.loadCore)
  }

  /** Roomcast's clients, for those that are slow. */
  clients(): Promise<Child<ClientsCommands>> {
    return this.start<ClientsCommands>('clients', [], this.loadCore)
  }

  flooder(): Promise<Child<FlooderCommands>> {
    return this.start<FlooderCommands>('flooder', [], this.loadCore)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.children.map((child) => child.stop()))
  }

  private get loadCore(): number | undefined {
    return this.pinning.kind === 'pinned' ? this.pinning.loadCore : undefined
  }

  private async start<C extends Commands<C>>(
    name: string,
    nodeFlags: readonly string[],
    core: number | undefined,
  ): Promise<Child<C>> {
    const script = fileURLToPath(new URL(`scenarios/processes/${name}.js`, import.meta.url))
    const { child } = await Child.start<C, undefined>({ name, script, flags: nodeFlags, core })
    this.children.push(child)
    return child
  }
}
