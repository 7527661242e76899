import { type TemplatedApp, us_socket_local_port } from 'uws-pack'

/** Listens on a free port of the loopback interface, and tells which. */
export function listen(app: TemplatedApp): Promise<number> {
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', 0, (socket) =>
      socket ? resolve(us_socket_local_port(socket)) : reject(new Error('listen')),
    )
  })
}
