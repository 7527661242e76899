import { type ChildProcess, spawn } from 'node:child_process'
import type { Commands, Reply, Request } from './control'
import { pinnedCommand } from './pinning'

const READY_TIMEOUT_MS = 15_000
const EXIT_TIMEOUT_MS = 3_000
const STDERR_TAIL_CHARS = 4_000

/** How a child is started. */
export interface ChildOptions {
  /** For messages. */
  readonly name: string
  /** Script to run, a path. */
  readonly script: string
  /** What runs the script. @default this Node */
  readonly executable?: string
  /** Flags of the executable, before the script. */
  readonly flags: readonly string[]
  /** Arguments of the script. @default [] */
  readonly args?: readonly string[]
  /** Core to run on; any if undefined. */
  readonly core: number | undefined
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

const running = new Set<ChildProcess>()

/** Ends every child that still runs, by its pid. For the end of the run, however it came. */
export function killAllChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** A child process that answers the commands `C`. */
export class Child<C extends Commands<C>> {
  private readonly waiting = new Map<number, Waiting>()
  private nextId = 1
  private stderr = ''

  private constructor(
    private readonly name: string,
    private readonly process: ChildProcess,
  ) {}

  /**
   * Starts a child and waits until it is ready.
   *
   * @returns The child and what it announced.
   * @throws Error with the end of the child's stderr, if it ends first or is not ready in time.
   */
  static async start<C extends Commands<C>, Ready>(options: ChildOptions): Promise<{ child: Child<C>; ready: Ready }> {
    const { executable = process.execPath, flags, script, args = [], core } = options
    const command = pinnedCommand(core, executable, [...flags, script, ...args])
    const spawned = spawn(command.file, command.args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    running.add(spawned)
    const child = new Child<C>(options.name, spawned)
    const ready = child.expect(0, 'start', READY_TIMEOUT_MS)
    child.listen()
    return { child, ready: (await ready) as Ready }
  }

  /** Sends a command; rejects if the child refuses it, ends, or takes longer than `timeoutMs`. */
  async request<K extends keyof C & string>(
    command: K,
    args: Parameters<C[K]>[0],
    timeoutMs: number,
  ): Promise<Awaited<ReturnType<C[K]>>> {
    const id = this.nextId++
    const answer = this.expect(id, command, timeoutMs)
    const request: Request = { id, command, args }
    this.process.send(request)
    return (await answer) as Awaited<ReturnType<C[K]>>
  }

  /**
   * Stops the process where it is: it reads nothing, and no clock of it goes on, as if its machine slept.
   *
   * What is sent to it waits in the kernel.
   */
  freeze(): void {
    this.process.kill('SIGSTOP')
  }

  /** Lets it go on after {@link freeze}. */
  thaw(): void {
    this.process.kill('SIGCONT')
  }

  /** Asks the child to end, and ends it if it does not. */
  async stop(): Promise<void> {
    if (!running.has(this.process)) return
    const exited = new Promise<void>((resolve) => this.process.once('exit', () => resolve()))
    this.thaw()
    const timer = setTimeout(() => this.process.kill('SIGKILL'), EXIT_TIMEOUT_MS)
    if (this.process.connected) this.process.send({ id: 0, command: 'exit', args: undefined } satisfies Request)
    await exited
    clearTimeout(timer)
  }

  private listen(): void {
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_TAIL_CHARS)
    })
    this.process.on('message', (reply: Reply) => this.settle(reply))
    this.process.on('error', (error) => this.end(error.message))
    this.process.on('close', (code, signal) => this.end(`ended with ${signal ?? code}`))
  }

  private expect(id: number, command: string, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id)
        reject(new Error(`${this.name}: "${command}" not done after ${timeoutMs} ms`))
      }, timeoutMs)
      this.waiting.set(id, { resolve, reject, timer })
    })
  }

  private settle(reply: Reply): void {
    const id = reply.kind === 'ready' ? 0 : reply.id
    const waiting = this.waiting.get(id)
    if (!waiting) return
    this.waiting.delete(id)
    clearTimeout(waiting.timer)
    if (reply.kind === 'failure') waiting.reject(new Error(`${this.name}: ${reply.message}`))
    else waiting.resolve(reply.value)
  }

  private end(how: string): void {
    running.delete(this.process)
    for (const waiting of this.waiting.values()) {
      clearTimeout(waiting.timer)
      waiting.reject(new Error(`${this.name} ${how}\n${this.stderr}`))
    }
    this.waiting.clear()
  }
}
