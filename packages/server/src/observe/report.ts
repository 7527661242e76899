/** Where a fault of user code happened. */
export interface FaultContext {
  /** What was running: a handler of an event, a middleware, an HTTP handler, a listener of the library, a login, a rule; or what was lost: a session, something of the engine. */
  readonly where:
    | 'engine'
    | 'event handler'
    | 'http handler'
    | 'listener'
    | 'login'
    | 'middleware'
    | 'room policy'
    | 'session'
    | 'watch rule'
  /** Event, namespace or path it was running for. */
  readonly name: string
  /** Id of the socket it was running for, if any. */
  readonly socketId?: string
}

/** Told of every fault of user code that the server caught. What it throws itself is printed. */
export type FaultHook = (error: unknown, context: FaultContext) => void

/** Prints the fault; what happens unless the option `onError` is given. */
export function printFault(error: unknown, context: FaultContext): void {
  console.error(`roomcast: ${context.where} "${context.name}" failed`, error)
}

/** A hook that may be called anywhere: what it throws is printed, with the fault that it was told of. */
export function guardedHook(hook: FaultHook): FaultHook {
  return (error, context) => {
    try {
      hook(error, context)
    } catch (fault) {
      printFault(error, context)
      printFault(fault, { where: 'listener', name: 'onError' })
    }
  }
}
