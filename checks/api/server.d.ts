// The public API. Update with: npm run api:update

import { AckResult, BroadcastArgs, DataArgs, DefaultEventsMap, DefaultUser, Emitter, ErrorCode, EventArgs, EventNames, EventsMap, ListenableNames, ListenerFor, PublicUser, SocketEmitter, TimedArgs, UserEntry, ValueCodec } from '@roomcast/protocol'
export { DefaultEventsMap } from '@roomcast/protocol'
export { DefaultUser } from '@roomcast/protocol'
export { EventsMap } from '@roomcast/protocol'
export { PublicUser } from '@roomcast/protocol'
export { RoomcastError } from '@roomcast/protocol'
export { UserEntry } from '@roomcast/protocol'
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
export interface CheckedUserName {
    readonly name: string;
    readonly key: string;
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
    congestion: (congestion: Congestion) => void;
}
export declare class ConnectionView {
    get transport(): {
        readonly name: Transport;
    };
    get remoteAddress(): string;
    get readyState(): 'closed' | 'closing' | 'open';
    get buffered(): number;
    get congestion(): Congestion;
    get skipped(): number;
    get replaced(): number;
    drained(): Promise<void>;
    on<Event extends keyof ConnectionReservedEvents>(event: Event, listener: ConnectionReservedEvents[Event]): this;
    once<Event extends keyof ConnectionReservedEvents>(event: Event, listener: ConnectionReservedEvents[Event]): this;
    off<Event extends keyof ConnectionReservedEvents>(event?: Event, listener?: ConnectionReservedEvents[Event]): this;
}
export interface CorsOptions {
    readonly origin?: OriginRule;
    readonly credentials?: boolean;
    readonly allowedHeaders?: string | readonly string[];
    readonly maxAge?: number;
}
export declare class DirectEmitter<Emit extends EventsMap, Data, User extends PublicUser, Timed extends boolean> {
    emit<Event extends EventNames<Emit>>(event: Event, ...args: Timed extends true ? TimedArgs<Emit, Event> : EventArgs<Emit, Event>): boolean;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>>;
    timeout(ms: number): DirectEmitter<Emit, Data, User, true>;
    get volatile(): DirectEmitter<Emit, Data, User, Timed>;
    latest(key: string): DirectEmitter<Emit, Data, User, Timed>;
    compress(compress: boolean): DirectEmitter<Emit, Data, User, Timed>;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    get local(): RoomEmitter<Emit, Data, User>;
    get broadcast(): RoomEmitter<Emit, Data, User>;
}
export type DisconnectDetails = Pick<CloseInfo, 'code' | 'message'>;
export type DisconnectReason = 'client namespace disconnect' | 'forced server close' | 'parse error' | 'ping timeout' | 'server namespace disconnect' | 'server shutting down' | 'transport close' | 'transport error';
export declare class EngineEvents extends Emitter<Record<never, never>, EngineReservedEvents> {
    get clientsCount(): number;
}
export interface FaultContext {
    readonly where: 'engine' | 'event handler' | 'http handler' | 'listener' | 'login' | 'middleware' | 'room policy' | 'session' | 'watch rule';
    readonly name: string;
    readonly socketId?: string;
}
export type FaultHook = (error: unknown, context: FaultContext) => void;
export type FlushPolicy = 'immediate' | {
    readonly tickMs: number;
};
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
export interface HandshakeLimits {
    readonly address?: HandshakeRate | false;
    readonly server?: HandshakeRate | false;
}
export interface HandshakeRate {
    readonly perSecond: number;
    readonly burst?: number;
}
export interface HistoryLimits {
    readonly messages?: number;
    readonly bytes?: number;
    readonly ageMs?: number;
}
export interface HistoryOptions {
    readonly limit?: number;
    readonly before?: number;
}
export interface HistoryPolicy extends HistoryLimits {
    readonly read?: 'members' | 'nobody';
    readonly retain?: (event: string, ...args: any[]) => string | undefined;
}
export type HttpHandler = (request: Request, info: HttpInfo) => Promise<Response | undefined> | Response | undefined;
export interface HttpInfo {
    readonly address: string;
}
export interface InboundOptions {
    readonly rateLimits?: RateLimits | false;
    readonly maxConnections?: number;
    readonly maxConnectionsPerAddress?: number;
    readonly handshakeLimits?: HandshakeLimits | false;
    readonly concurrency?: number;
    readonly handlerTimeout?: number;
}
export type JoinRule<User extends PublicUser = DefaultUser> = (joiner: Joiner<User>, room: string, params: any) => boolean | PromiseLike<boolean>;
export type Joiner<User extends PublicUser = DefaultUser> = Watcher<User>;
export type LatestKeyRule = (event: string, ...args: any[]) => string | undefined;
export type LatestMerge = (older: any[], newer: any[]) => unknown[];
export interface LatestPolicy {
    readonly key?: LatestKeyRule;
    readonly retain?: boolean;
    readonly merge?: LatestMerge;
}
export interface ListenOptions {
    readonly port: number;
    readonly host?: string;
}
export type Login<User extends PublicUser = DefaultUser> = (credentials: any, context: LoginContext<User>) => LoginResult<User> | null | PromiseLike<LoginResult<User> | null>;
export interface LoginContext<User extends PublicUser = DefaultUser> {
    readonly namespace: string;
    readonly socketId: string;
    readonly address: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly user: User | null;
    readonly signal: AbortSignal;
}
export interface LoginLimits {
    readonly concurrent?: number;
    readonly queued?: number;
    readonly failuresPerAddress?: number;
    readonly failuresPerAccount?: number;
    readonly accountOf?: (credentials: unknown) => readonly string[] | string | undefined;
}
export type LoginResult<User extends PublicUser = DefaultUser> = User & {
    readonly expiresAt?: Date | number;
    readonly claims?: unknown;
};
export interface NameOptions {
    readonly inUse?: NamePolicy;
    readonly maxBytes?: number;
}
export type NamePolicy = 'allow' | 'number' | 'refuse';
export declare class Namespace<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, ServerSide extends EventsMap = DefaultEventsMap, Data = any, User extends PublicUser = DefaultUser> extends Emitter<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>> {
    readonly name: string;
    readonly adapter: AdapterView;
    get sockets(): ReadonlyMap<string, Socket<Listen, Emit, ServerSide, Data, User>>;
    use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data, User>): this;
    useLogin(login: Login<User> | null): this;
    rooms(pattern: string, policy: RoomPolicy<User>): this;
    users(room?: string): UserList<User>;
    online(ids: readonly string[]): Promise<Set<string>>;
    updateUser(id: string, changes: Partial<Omit<User, 'id'>>): Promise<User>;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>[]>;
    send(...args: EventArgs<Emit, 'message'>): this;
    write(...args: EventArgs<Emit, 'message'>): this;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    toUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    exceptUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    get volatile(): RoomEmitter<Emit, Data, User>;
    latest(key: string): RoomEmitter<Emit, Data, User>;
    get local(): RoomEmitter<Emit, Data, User>;
    compress(compress: boolean): RoomEmitter<Emit, Data, User>;
    timeout(ms: number): RoomEmitter<Emit, Data, User>;
    fetchSockets(): Promise<RemoteSocket<Emit, Data, User>[]>;
    socketsJoin(room: string | readonly string[]): void;
    socketsLeave(room: string | readonly string[]): void;
    disconnectSockets(close?: boolean): void;
}
export type NamespaceMatcher = (name: string, auth: unknown, next: (error?: Error | null, allow?: boolean) => void) => unknown;
export type NamespaceMiddleware<Listen extends EventsMap, Emit extends EventsMap, ServerSide extends EventsMap, Data, User extends PublicUser = DefaultUser> = (socket: Socket<Listen, Emit, ServerSide, Data, User>, next: (error?: Error & {
    data?: unknown;
}) => void) => unknown;
export type OriginRule = RegExp | boolean | string | readonly (RegExp | string)[];
export declare class ParentNamespace<Listen extends EventsMap, Emit extends EventsMap, ServerSide extends EventsMap, Data, User extends PublicUser = DefaultUser> extends Emitter<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>> {
    use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data, User>): this;
    useLogin(login: Login<User> | null): this;
    rooms(pattern: string, policy: RoomPolicy<User>): this;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    toUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    exceptUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    fetchSockets(): Promise<RemoteSocket<Emit, Data, User>[]>;
}
export interface PeopleOptions<User extends PublicUser = DefaultUser> {
    readonly login?: Login<User>;
    readonly allowAnonymous?: boolean;
    readonly loginTimeout?: number;
    readonly loginLimits?: LoginLimits;
    readonly sessions?: SessionPolicy;
    readonly maxSessionsPerUser?: number;
    readonly names?: NameOptions;
    readonly presence?: PresencePolicy<User>;
}
export interface PresencePolicy<User extends PublicUser = DefaultUser> {
    readonly mode?: 'count' | 'off' | 'users';
    readonly watch?: WatchRule<User> | 'members' | 'nobody';
    readonly flushMs?: number;
    readonly graceMs?: number;
}
export interface RateLimit {
    readonly messagesPerSecond: number;
    readonly burstMessages?: number;
    readonly bytesPerSecond?: number;
    readonly burstBytes?: number;
}
export interface RateLimits {
    readonly connection?: RateLimit | false;
    readonly user?: RateLimit | false;
    readonly events?: Readonly<Record<string, RateLimit>>;
}
export interface RecoveryOptions {
    readonly maxDisconnectionDuration?: number;
    readonly skipMiddlewares?: boolean;
    readonly maxSessions?: number;
    readonly history?: HistoryLimits;
}
export interface RemoteSocket<Emit extends EventsMap, Data, User extends PublicUser = DefaultUser> {
    readonly id: string;
    readonly handshake: Handshake;
    readonly rooms: Set<string>;
    readonly data: Data;
    readonly user: User | null;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: Parameters<Emit[Event]>): boolean;
    join(room: string | readonly string[]): void;
    leave(room: string): void;
    disconnect(close?: boolean): unknown;
}
export type RequestHeaders = Readonly<Record<string, string>>;
export declare class RoomEmitter<Emit extends EventsMap, Data, User extends PublicUser = DefaultUser> {
    to(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    toUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    exceptUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    get volatile(): RoomEmitter<Emit, Data, User>;
    latest(key: string): RoomEmitter<Emit, Data, User>;
    get local(): RoomEmitter<Emit, Data, User>;
    compress(compress: boolean): RoomEmitter<Emit, Data, User>;
    timeout(ms: number): RoomEmitter<Emit, Data, User>;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>[]>;
    fetchSockets(): Promise<RemoteSocket<Emit, Data, User>[]>;
    socketsJoin(room: string | readonly string[]): void;
    socketsLeave(room: string | readonly string[]): void;
    disconnectSockets(close?: boolean): void;
    history(options?: HistoryOptions): Promise<RoomMessage[]>;
}
export interface RoomMessage {
    readonly seq: number;
    readonly at: number;
    readonly event: string;
    readonly args: readonly unknown[];
}
export interface RoomPolicy<User extends PublicUser = DefaultUser> {
    readonly presence?: PresencePolicy<User>;
    readonly history?: HistoryPolicy | boolean;
    readonly authorize?: JoinRule<User>;
    readonly snapshot?: SnapshotHook<User> | number | 'retained';
    readonly latest?: LatestPolicy;
    readonly flush?: FlushPolicy;
}
export type RoomsView = Pick<ReadonlyMap<string, ReadonlySet<string>>, 'forEach' | 'get' | 'has' | 'keys' | 'size'> & Iterable<[
    string,
    ReadonlySet<string>
]>;
export interface ServeStaticOptions {
    readonly prefix?: string;
    readonly maxAgeSeconds?: number;
}
export declare class Server<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, ServerSide extends EventsMap = DefaultEventsMap, Data = any, User extends PublicUser = DefaultUser> extends MainNamespaceCalls<Listen, Emit, ServerSide, Data, User> {
    readonly engine: EngineEvents;
    constructor(options?: ServerOptions<NoInfer<User>>);
    get sockets(): Namespace<Listen, Emit, ServerSide, Data, User>;
    revoke({ userId }: {
        readonly userId: string;
    }): Promise<number>;
    get port(): number;
    get url(): string;
    listen(where?: ListenOptions | number): Promise<this>;
    close({ retryAfterMs }?: CloseOptions): Promise<void>;
    http(handler: HttpHandler): this;
    of(name: string): Namespace<Listen, Emit, ServerSide, Data, User>;
    of(pattern: NamespaceMatcher | RegExp): ParentNamespace<Listen, Emit, ServerSide, Data, User>;
}
export interface ServerOptions<User extends PublicUser = DefaultUser> extends PeopleOptions<User>, InboundOptions {
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
    readonly trustedProxies?: readonly string[];
    readonly tls?: TlsOptions;
    readonly maxRequestBodyBytes?: number;
    readonly connectionStateRecovery?: RecoveryOptions | boolean;
    readonly maxHistoryBytes?: number;
    readonly uws?: unknown;
    readonly codec?: ValueCodec;
    readonly onError?: FaultHook;
}
export type SessionPolicy = 'multi' | 'replace' | 'single';
export type SnapshotHook<User extends PublicUser = DefaultUser> = (joiner: Joiner<User>, room: string, params: any) => unknown;
export declare class Socket<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, ServerSide extends EventsMap = DefaultEventsMap, Data = any, User extends PublicUser = DefaultUser> extends SocketCalls<Listen, Emit, Data, User> {
    readonly id: string;
    readonly recovered: boolean;
    get connected(): boolean;
    get disconnected(): boolean;
    get data(): Data;
    set data(data: Data);
    get user(): User | null;
    get claims(): any;
    get handshake(): Handshake;
    get rooms(): Set<string>;
    get nsp(): SocketNamespace<Socket<Listen, Emit, ServerSide, Data, User>, Emit, Data, User>;
    get conn(): ConnectionView;
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
export declare class UserList<User extends PublicUser = DefaultUser> {
    readonly room: string | null;
    list(): Promise<UserEntry<User>[]>;
    count(): Promise<number>;
    get(id: string): Promise<UserEntry<User> | undefined>;
    page(part?: {
        readonly limit?: number;
        readonly after?: number | undefined;
    }): Promise<UserPage<User>>;
    on<Event extends EventName>(event: Event, listener: UserListEvents<User>[Event]): this;
    once<Event extends EventName>(event: Event, listener: UserListEvents<User>[Event]): this;
    off<Event extends EventName>(event?: Event, listener?: UserListEvents<User>[Event]): this;
}
export interface UserListEvents<User extends PublicUser = DefaultUser> {
    join: (entry: UserEntry<User>) => void;
    leave: (entry: UserEntry<User>) => void;
    change: (entry: UserEntry<User>) => void;
}
export interface UserPage<User extends PublicUser> {
    readonly users: readonly UserEntry<User>[];
    readonly next: number | undefined;
}
export type WatchRule<User extends PublicUser = DefaultUser> = (watcher: Watcher<User>, room: string | null, mode: 'count' | 'users') => boolean | PromiseLike<boolean>;
export interface Watcher<User extends PublicUser = DefaultUser> {
    readonly id: string;
    readonly user: User | null;
    readonly claims: any;
    readonly data: any;
    readonly rooms: Set<string>;
}
export declare function checkUserName(raw: unknown, maxBytes?: number): CheckedUserName;
export declare function serveStatic(directory: URL | string, options?: ServeStaticOptions): HttpHandler;
declare abstract class MainNamespaceCalls<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, ServerSide extends EventsMap = DefaultEventsMap, Data = any, User extends PublicUser = DefaultUser> {
    abstract get sockets(): Namespace<Listen, Emit, ServerSide, Data, User>;
    on<Event extends ListenableNames<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>>>(event: Event, listener: ListenerFor<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>, Event>): this;
    once<Event extends ListenableNames<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>>>(event: Event, listener: ListenerFor<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>, Event>): this;
    off<Event extends ListenableNames<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>>>(event?: Event, listener?: ListenerFor<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>, Event>): this;
    use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data, User>): this;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>[]>;
    send(...args: EventArgs<Emit, 'message'>): this;
    write(...args: EventArgs<Emit, 'message'>): this;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    get volatile(): RoomEmitter<Emit, Data, User>;
    latest(key: string): RoomEmitter<Emit, Data, User>;
    get local(): RoomEmitter<Emit, Data, User>;
    compress(compress: boolean): RoomEmitter<Emit, Data, User>;
    timeout(ms: number): RoomEmitter<Emit, Data, User>;
    fetchSockets(): Promise<RemoteSocket<Emit, Data, User>[]>;
    socketsJoin(room: string | readonly string[]): void;
    socketsLeave(room: string | readonly string[]): void;
    disconnectSockets(close?: boolean): void;
    toUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    exceptUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    useLogin(login: Login<User> | null): this;
    rooms(pattern: string, policy: RoomPolicy<User>): this;
    users(room?: string): UserList<User>;
    online(ids: readonly string[]): Promise<Set<string>>;
    updateUser(id: string, changes: Partial<Omit<User, 'id'>>): Promise<User>;
}
declare abstract class SocketCalls<Listen extends EventsMap, Emit extends EventsMap, Data, User extends PublicUser> extends SocketEmitter<Listen, SocketReservedEvents> {
    emit<Event extends EventNames<Emit>>(event: Event, ...args: EventArgs<Emit, Event>): boolean;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>>;
    send(...args: EventArgs<Emit, 'message'>): this;
    write(...args: EventArgs<Emit, 'message'>): this;
    timeout(ms: number): DirectEmitter<Emit, Data, User, true>;
    get volatile(): DirectEmitter<Emit, Data, User, false>;
    latest(key: string): DirectEmitter<Emit, Data, User, false>;
    compress(compress: boolean): DirectEmitter<Emit, Data, User, false>;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    get broadcast(): RoomEmitter<Emit, Data, User>;
    get local(): RoomEmitter<Emit, Data, User>;
}
interface CloseInfo {
    readonly reason: DisconnectReason;
    readonly code: number;
    readonly message: string;
}
interface EngineReservedEvents {
    connection_error: (error: ConnectionError) => void;
}
interface NamespaceReservedEvents<Listen extends EventsMap, Emit extends EventsMap, ServerSide extends EventsMap, Data, User extends PublicUser = DefaultUser> {
    connection: (socket: Socket<Listen, Emit, ServerSide, Data, User>) => void;
    connect: (socket: Socket<Listen, Emit, ServerSide, Data, User>) => void;
    login: (socket: Socket<Listen, Emit, ServerSide, Data, User>, before: User | null) => void;
    logout: (socket: Socket<Listen, Emit, ServerSide, Data, User>, user: User) => void;
    new_namespace: (namespace: Namespace<Listen, Emit, ServerSide, Data, User>) => void;
}
interface Refusal {
    readonly status: `${number} ${string}`;
    readonly code: ErrorCode;
    readonly message: string;
    readonly retryAfterMs?: number;
}
interface SocketNamespace<Member, Emit extends EventsMap, Data, User extends PublicUser> {
    readonly name: string;
    readonly sockets: ReadonlyMap<string, Member>;
    to(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    in(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    except(room: string | readonly string[]): RoomEmitter<Emit, Data, User>;
    emit: RoomEmitter<Emit, Data, User>['emit'];
}
type Congestion = 'high' | 'none' | 'over';
type EventName = keyof UserListEvents;
