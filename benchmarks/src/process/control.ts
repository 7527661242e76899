/*
 * Requests from the runner to a child process over Node's IPC channel, answered in order of arrival.
 */

/** Commands of one child process: each takes one value and answers with one. */
// biome-ignore lint/suspicious/noExplicitAny: the argument's type is chosen by each command
export type Commands<C> = { [K in keyof C]: (args: any) => unknown }

/** A request as it travels to the child. */
export interface Request {
  readonly id: number
  readonly command: string
  readonly args: unknown
}

/** What a child sends: `ready` once, then one answer for each request. */
export type Reply =
  | { readonly kind: 'ready'; readonly value: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly message: string }

/**
 * Child side: announces `value` and answers requests with `commands` until the runner is gone. `exit` is
 * answered for every child, so that profiles are written.
 */
export function answerRequests<C extends Commands<C>>(commands: C, value: unknown): void {
  process.on('message', (request: Request) => {
    if (request.command === 'exit') process.exit(0)
    const handler = commands[request.command as keyof C]
    Promise.resolve(request.args)
      .then((args) => handler(args))
      .then(
        (result) => send({ kind: 'answer', id: request.id, value: result }),
        (error) =>
          send({ kind: 'failure', id: request.id, message: error instanceof Error ? error.message : `${error}` }),
      )
  })
  process.on('disconnect', () => process.exit(0))
  send({ kind: 'ready', value })
}

function send(reply: Reply): void {
  process.send?.(reply)
}
