import { fileURLToPath } from 'node:url'
import type { DialectName } from './load/dialects'
import type { Role } from './load/dialects/dialect'
import type { LoadCommands } from './load/generator'
import type { Peer } from './peers'
import { Child } from './process/child'
import type { Pinning } from './process/pinning'
import { type Runtime, runtimePath } from './process/runtime'
import type { Feature, ServerCommands, ServerReady } from './servers/serve'

const CONNECT_TIMEOUT_MS = 60_000
const REQUEST_TIMEOUT_MS = 15_000

/** One peer's server and one load process, both fresh. */
export interface Session {
  readonly server: Child<ServerCommands>
  readonly load: Child<LoadCommands>
  /** Port on which the load confirms ticks. */
  readonly gatePort: number
  /** Where the server is, and how its clients speak. */
  readonly target: { readonly port: number; readonly dialect: DialectName }
  /**
   * Opens `count` more connections, which join the room.
   *
   * @param role  @default 'member'
   * @param load  The process that opens them. @default {@link Session.load}
   */
  connect(count: number, role?: Role, load?: Child<LoadCommands>): Promise<void>
  /** Starts another load process, which sleeps while it has nothing to do. It ends with the session. */
  startLoad(name: string): Promise<Child<LoadCommands>>
  /** Fails unless the server counts `total` members of the room. Counting may cost the server memory. */
  assertMembers(total: number): Promise<void>
}

/** What sessions have in common. */
export interface SessionOptions {
  readonly pinning: Pinning
  /** Flags of Node for the server; another runtime gets none of them. */
  readonly serverFlags: readonly string[]
  /** What the server does for this mode only. */
  readonly features: readonly Feature[]
  /** Folder for a CPU profile of the server; none if undefined. */
  readonly profileDirectory: string | undefined
}

/** Starts the processes for `peer`, lets `body` measure, and ends them whatever happens. */
export async function withSession<T>(
  peer: Peer,
  options: SessionOptions,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const { pinning, serverFlags, features, profileDirectory } = options
  const { runtime = 'node' } = peer
  const executable = runtimePath(runtime)
  if (executable === undefined) throw new Error(`no ${runtime}`)
  const profileFlags = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`]
  const { child: server, ready } = await Child.start<ServerCommands, ServerReady>({
    name: `${peer.name} server`,
    script: script(`servers/${peer.server}.js`),
    executable,
    flags: [...runtimeFlags(runtime, serverFlags), ...profileFlags],
    args: features,
    core: pinning.kind === 'pinned' ? pinning.serverCore : undefined,
  })
  const target = { port: ready.port, dialect: peer.dialect }
  const loads: Child<LoadCommands>[] = []
  const startLoad = async (name: string) => {
    const { child } = await Child.start<LoadCommands, undefined>({
      name: `${name} on ${peer.name}`,
      script: script('load/generator.js'),
      flags: [],
      core: pinning.kind === 'pinned' ? pinning.loadCore : undefined,
    })
    loads.push(child)
    return child
  }
  try {
    const load = await startLoad('load')
    if (pinning.kind === 'pinned') await load.request('stayAwake', undefined, REQUEST_TIMEOUT_MS)
    return await body({
      server,
      load,
      gatePort: ready.gatePort,
      target,
      connect: (count, role, process = load) =>
        process.request('connect', { ...target, count, role }, CONNECT_TIMEOUT_MS),
      startLoad,
      async assertMembers(total) {
        const members = await server.request('members', undefined, REQUEST_TIMEOUT_MS)
        if (members !== total) throw new Error(`${peer.name} has ${members} members of the room, not ${total}`)
      },
    })
  } finally {
    for (const load of loads) await load.stop()
    await server.stop()
  }
}

/** Bun shows its garbage collector without being asked, and has none of V8's flags. */
function runtimeFlags(runtime: Runtime, serverFlags: readonly string[]): readonly string[] {
  return runtime === 'node' ? ['--expose-gc', ...serverFlags] : []
}

function script(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}
