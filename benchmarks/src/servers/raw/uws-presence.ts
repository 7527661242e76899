import type { TemplatedApp, WebSocketBehavior } from 'uws-pack'
import { RAW_PRESENCE_PATHS } from '../../load/dialects/presence/raw'
import { joinedBytes, leftBytes } from './presence'
import { upgradeWith } from './uws-upgrade'

const WATCHERS = 'watchers'

/** Of a connection that has told its name. */
interface Named {
  readonly name: string
}

/**
 * Tells subscribers whenever somebody comes or goes.
 *
 * @param base  Limits of a connection.
 * @param members  Connections in the room.
 */
export function addUwsPresence(app: TemplatedApp, base: WebSocketBehavior<Named>, members: Set<object>): void {
  const behavior = (isWatching: boolean): WebSocketBehavior<Named> => ({
    ...base,
    upgrade: (res, req, context) => upgradeWith({ name: req.getQuery('name') ?? '' }, res, req, context),
    open(ws) {
      members.add(ws)
      app.publish(WATCHERS, joinedBytes(ws.getUserData().name), true)
      if (isWatching) ws.subscribe(WATCHERS)
    },
    close(ws) {
      members.delete(ws)
      app.publish(WATCHERS, leftBytes(ws.getUserData().name), true)
    },
  })
  app.ws(RAW_PRESENCE_PATHS.present, behavior(false))
  app.ws(RAW_PRESENCE_PATHS.watching, behavior(true))
}
