// The public API. Update with: npm run api:update

import { AckResult, BroadcastArgs, DataArgs, DefaultEventsMap, Emitter, ErrorCode, EventArgs, EventNames, EventsMap, ListenableNames, ListenerFor, SocketEmitter, TimedArgs, ValueCodec } from '@roomcast/protocol'
export { DefaultEventsMap } from '@roomcast/protocol'
export { EventsMap } from '@roomcast/protocol'
export { RoomcastError } from '@roomcast/protocol'
export { isRoomcastError } from '@roomcast/protocol'
export interface AdapterEvents {
    'create-room': (room: string) => void;
    'delete-room': (room: string) => void;
    'join-room': (room: string, id: string) => void;
    'leave-room': (room: string, id: string) => void;
}
export declare class AdapterView extends Emitter<Record<never, never>, AdapterEvents> {
    get rooms(): RoomsView;
    get sids(): RoomsView;
}
export interface CloseOptions {
    readonly retryAfterMs?: number;
}
export interface ConnectionError extends Refusal {
    readonly request: UpgradeRequest;
}
export interface ConnectionReservedEvents {
    upgrade: (transport: {
        readonly name: Transport;
    }) => void;
}
export declare class ConnectionView {
    get transport(): {
        readonly name: Transport;
    };
    get remoteAddress(): string;
    get readyState(): 'closed' | 'closing' | 'open';
    get buffered(): number;
    on(event: 'upgrade', listener: ConnectionReservedEvents['upgrade']): this;
    once(event: 'upgrade', listener: ConnectionReservedEvents['upgrade']): this;
    off(event?: 'upgrade', listener?: ConnectionReservedEvents['upgrade']): this;
}
export interface CorsOptions {
    readonly origin?: OriginRule;
    readonly credentials?: boolean;
    readonly allowedHeaders?: string | readonly string[];
    readonly maxAge?: number;
}
export declare class DirectEmitter<Emit extends EventsMap, Data, Timed extends boolean> {
    emit<Event extends EventNames<Emit>>(event: Event, ...args: Timed extends true ? TimedArgs<Emit, Event> : EventArgs<Emit, Event>): boolean;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>>;
    timeout(ms: number): DirectEmitter<Emit, Data, true>;
    get volatile(): DirectEmitter<Emit, Data, Timed>;
    compress(compress: boolean): DirectEmitter<Emit, Data, Timed>;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    get local(): RoomEmitter<Emit, Data>;
    get broadcast(): RoomEmitter<Emit, Data>;
}
export type DisconnectDetails = Pick<CloseInfo, 'code' | 'message'>;
export type DisconnectReason = 'client namespace disconnect' | 'forced server close' | 'parse error' | 'ping timeout' | 'server namespace disconnect' | 'server shutting down' | 'transport close' | 'transport error';
export declare class EngineEvents extends Emitter<Record<never, never>, EngineReservedEvents> {
    get clientsCount(): number;
}
export interface FaultContext {
    readonly where: 'event handler' | 'http handler' | 'listener' | 'middleware';
    readonly name: string;
    readonly socketId?: string;
}
export type FaultHook = (error: unknown, context: FaultContext) => void;
export interface Handshake {
    readonly headers: RequestHeaders;
    readonly time: string;
    readonly issued: number;
    readonly address: string;
    readonly xdomain: boolean;
    readonly secure: boolean;
    readonly url: string;
    readonly query: Readonly<Record<string, string>>;
    readonly auth: any;
}
export type HttpHandler = (request: Request, info: HttpInfo) => Promise<Response | undefined> | Response | undefined;
export interface HttpInfo {
    readonly address: string;
}
export interface ListenOptions {
    readonly port: number;
    readonly host?: string;
}
export declare class Namespace<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, ServerSide extends EventsMap = DefaultEventsMap, Data = any> extends Emitter<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data>> {
    readonly name: string;
    readonly adapter: AdapterView;
    get sockets(): ReadonlyMap<string, Socket<Listen, Emit, ServerSide, Data>>;
    use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data>): this;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>[]>;
    send(...args: EventArgs<Emit, 'message'>): this;
    write(...args: EventArgs<Emit, 'message'>): this;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    get volatile(): RoomEmitter<Emit, Data>;
    get local(): RoomEmitter<Emit, Data>;
    compress(compress: boolean): RoomEmitter<Emit, Data>;
    timeout(ms: number): RoomEmitter<Emit, Data>;
    fetchSockets(): Promise<RemoteSocket<Emit, Data>[]>;
    socketsJoin(room: string | readonly string[]): void;
    socketsLeave(room: string | readonly string[]): void;
    disconnectSockets(close?: boolean): void;
}
export type NamespaceMatcher = (name: string, auth: unknown, next: (error?: Error | null, allow?: boolean) => void) => unknown;
export type NamespaceMiddleware<Listen extends EventsMap, Emit extends EventsMap, ServerSide extends EventsMap, Data> = (socket: Socket<Listen, Emit, ServerSide, Data>, next: (error?: Error & {
    data?: unknown;
}) => void) => unknown;
export type OriginRule = RegExp | boolean | string | readonly (RegExp | string)[];
export declare class ParentNamespace<Listen extends EventsMap, Emit extends EventsMap, ServerSide extends EventsMap, Data> extends Emitter<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data>> {
    use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data>): this;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    fetchSockets(): Promise<RemoteSocket<Emit, Data>[]>;
}
export interface RemoteSocket<Emit extends EventsMap, Data> {
    readonly id: string;
    readonly handshake: Handshake;
    readonly rooms: Set<string>;
    readonly data: Data;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: Parameters<Emit[Event]>): boolean;
    join(room: string | readonly string[]): void;
    leave(room: string): void;
    disconnect(close?: boolean): unknown;
}
export type RequestHeaders = Readonly<Record<string, string>>;
export declare class RoomEmitter<Emit extends EventsMap, Data> {
    to(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    get volatile(): RoomEmitter<Emit, Data>;
    get local(): RoomEmitter<Emit, Data>;
    compress(compress: boolean): RoomEmitter<Emit, Data>;
    timeout(ms: number): RoomEmitter<Emit, Data>;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>[]>;
    fetchSockets(): Promise<RemoteSocket<Emit, Data>[]>;
    socketsJoin(room: string | readonly string[]): void;
    socketsLeave(room: string | readonly string[]): void;
    disconnectSockets(close?: boolean): void;
}
export type RoomsView = Pick<ReadonlyMap<string, ReadonlySet<string>>, 'forEach' | 'get' | 'has' | 'keys' | 'size'> & Iterable<[
    string,
    ReadonlySet<string>
]>;
export interface ServeStaticOptions {
    readonly prefix?: string;
    readonly maxAgeSeconds?: number;
}
export declare class Server<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, ServerSide extends EventsMap = DefaultEventsMap, Data = any> {
    readonly engine: EngineEvents;
    constructor(options?: ServerOptions);
    get sockets(): Namespace<Listen, Emit, ServerSide, Data>;
    get port(): number;
    get url(): string;
    listen(where?: ListenOptions | number): Promise<this>;
    close({ retryAfterMs }?: CloseOptions): Promise<void>;
    http(handler: HttpHandler): this;
    of(name: string): Namespace<Listen, Emit, ServerSide, Data>;
    of(pattern: NamespaceMatcher | RegExp): ParentNamespace<Listen, Emit, ServerSide, Data>;
    on<Event extends ListenableNames<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>>>(event: Event, listener: ListenerFor<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>, Event>): this;
    once<Event extends ListenableNames<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>>>(event: Event, listener: ListenerFor<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>, Event>): this;
    off<Event extends ListenableNames<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>>>(event?: Event, listener?: ListenerFor<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>, Event>): this;
    use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data>): this;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>[]>;
    send(...args: EventArgs<Emit, 'message'>): this;
    write(...args: EventArgs<Emit, 'message'>): this;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    get volatile(): RoomEmitter<Emit, Data>;
    get local(): RoomEmitter<Emit, Data>;
    compress(compress: boolean): RoomEmitter<Emit, Data>;
    timeout(ms: number): RoomEmitter<Emit, Data>;
    fetchSockets(): Promise<RemoteSocket<Emit, Data>[]>;
    socketsJoin(room: string | readonly string[]): void;
    socketsLeave(room: string | readonly string[]): void;
    disconnectSockets(close?: boolean): void;
}
export interface ServerOptions {
    readonly path?: string;
    readonly serveClient?: boolean;
    readonly connectTimeout?: number;
    readonly maxHttpBufferSize?: number;
    readonly pingInterval?: number;
    readonly pingTimeout?: number;
    readonly ackTimeout?: number;
    readonly maxOutgoingBytes?: number;
    readonly cors?: CorsOptions;
    readonly allowRequest?: (request: UpgradeRequest, callback: (error: string | null | undefined, isAccepted: boolean) => void) => Promise<boolean> | void;
    readonly maxPollSessions?: number;
    readonly cleanupEmptyChildNamespaces?: boolean;
    readonly perMessageDeflate?: boolean | {
        readonly threshold?: number;
    };
    readonly transports?: readonly Transport[];
    readonly allowUpgrades?: boolean;
    readonly upgradeTimeout?: number;
    readonly tls?: TlsOptions;
    readonly maxRequestBodyBytes?: number;
    readonly uws?: unknown;
    readonly codec?: ValueCodec;
    readonly onError?: FaultHook;
}
export declare class Socket<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, ServerSide extends EventsMap = DefaultEventsMap, Data = any> extends SocketEmitter<Listen, SocketReservedEvents> {
    readonly id: string;
    readonly recovered = false;
    get connected(): boolean;
    get disconnected(): boolean;
    get data(): Data;
    set data(data: Data);
    get handshake(): Handshake;
    get rooms(): Set<string>;
    get nsp(): SocketNamespace<Listen, Emit, ServerSide, Data>;
    get conn(): ConnectionView;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: EventArgs<Emit, Event>): boolean;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>>;
    send(...args: EventArgs<Emit, 'message'>): this;
    write(...args: EventArgs<Emit, 'message'>): this;
    timeout(ms: number): DirectEmitter<Emit, Data, true>;
    get volatile(): DirectEmitter<Emit, Data, false>;
    compress(compress: boolean): DirectEmitter<Emit, Data, false>;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    get broadcast(): RoomEmitter<Emit, Data>;
    get local(): RoomEmitter<Emit, Data>;
    join(room: string | readonly string[]): void;
    leave(room: string): void;
    use(middleware: SocketMiddleware): this;
    disconnect(close?: boolean): this;
}
export type SocketMiddleware = (event: [
    event: string,
    ...args: any[]
], next: (error?: Error) => void) => unknown;
export interface SocketReservedEvents {
    disconnecting: (reason: DisconnectReason, details?: DisconnectDetails) => void;
    disconnect: (reason: DisconnectReason, details?: DisconnectDetails) => void;
    error: (error: Error) => void;
}
export interface TlsOptions {
    readonly keyFile: string;
    readonly certFile: string;
    readonly caFile?: string;
    readonly passphrase?: string;
}
export type Transport = 'polling' | 'websocket';
export interface UpgradeRequest {
    readonly method: 'GET' | 'POST';
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly address: string;
}
export declare function serveStatic(directory: URL | string, options?: ServeStaticOptions): HttpHandler;
interface CloseInfo {
    readonly reason: DisconnectReason;
    readonly code: number;
    readonly message: string;
}
interface EngineReservedEvents {
    connection_error: (error: ConnectionError) => void;
}
interface NamespaceReservedEvents<Listen extends EventsMap, Emit extends EventsMap, ServerSide extends EventsMap, Data> {
    connection: (socket: Socket<Listen, Emit, ServerSide, Data>) => void;
    connect: (socket: Socket<Listen, Emit, ServerSide, Data>) => void;
    new_namespace: (namespace: Namespace<Listen, Emit, ServerSide, Data>) => void;
}
interface Refusal {
    readonly status: `${number} ${string}`;
    readonly code: ErrorCode;
    readonly message: string;
}
interface SocketNamespace<Listen extends EventsMap, Emit extends EventsMap, ServerSide extends EventsMap, Data> {
    readonly name: string;
    readonly sockets: ReadonlyMap<string, Socket<Listen, Emit, ServerSide, Data>>;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data>;
    emit: RoomEmitter<Emit, Data>['emit'];
}
type ServerEvents<Listen extends EventsMap, Emit extends EventsMap, ServerSide extends EventsMap, Data> = NamespaceReservedEvents<Listen, Emit, ServerSide, Data>;
