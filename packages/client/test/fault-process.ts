import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { ChildCommands } from './fault-child'

const inRepository = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const ALIASES = {
  '@roomcast/client': inRepository('packages/client/src/node.ts'),
  '@roomcast/protocol': inRepository('packages/protocol/src/index.ts'),
  '@roomcast/server': inRepository('packages/server/src/index.ts'),
}

/** A process of its own with a server or clients, made of the sources; see `fault-child.ts`. */
export class FaultProcess implements AsyncDisposable {
  private readonly waiting = new Map<number, (result: unknown) => void>()
  private lastId = 0

  private constructor(private readonly child: ChildProcess) {
    child.on('message', ({ id, result }: { id: number; result: unknown }) => {
      this.waiting.get(id)?.(result)
      this.waiting.delete(id)
    })
  }

  static async start(): Promise<FaultProcess> {
    const { outputFiles } = await build({
      entryPoints: [inRepository('packages/client/test/fault-child.ts')],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      alias: ALIASES,
      external: ['ws', 'uWebSockets.js', 'uws-pack'],
    })
    // From its input, so that there is no file to be removed; what is external is found from the directory.
    const child = spawn(process.execPath, ['--input-type=module', '-'], {
      cwd: inRepository('packages/client'),
      stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    })
    child.stdin?.end(outputFiles[0]?.text ?? '')
    return new FaultProcess(child)
  }

  /** Has the process do something, and waits for what it says. */
  ask<Name extends keyof ChildCommands>(
    name: Name,
    ...args: Parameters<ChildCommands[Name]>
  ): Promise<ReturnType<ChildCommands[Name]>> {
    const id = ++this.lastId
    return new Promise((resolve) => {
      this.waiting.set(id, resolve as (result: unknown) => void)
      this.child.send({ id, name, args })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await gone
  }
}
