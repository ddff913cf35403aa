/**
 * The life of a MyProxy server's process: its files, its signals, and an end that lets what runs finish.
 *
 * `SIGHUP` reads the configuration, the credential and the CA files again; what cannot be used then is
 * said, and the server goes on with what it had. `SIGTERM` and `SIGINT` end it.
 */
import { cureOf, toVoboxError, type VoboxError } from '../../errors.js'
import {
  SERVER_CONFIG_DEFAULTS,
  type ServerConfig,
} from '../../myproxy/server/config/server-config.js'
import { EXIT } from '../../report/exit-status.js'
import { closeInherited } from '../compose/close-inherited.js'
import { replacementsSettled } from '../ports/file-replace.js'
import { isSyslogThere, writesToJournal } from '../ports/system-log.js'
import { listenForSignals } from '../service/service-signals.js'
import { keepHeapSmall } from '../service/small-heap.js'
import { feedWatchdog, serviceManager } from '../service/systemd-notify.js'
import { CredentialWatch } from './credential-watch.js'
import { type OpenServer, openServer, readConfigOf, settingsOf } from './open-server.js'
import { ServerPidFile, writePortFile } from './run-files.js'
import { serverCredentialPlaces } from './server-credential.js'
import { openServerJournal, type ServerJournal } from './server-journal.js'
import type { ServerOptions } from './server-options.js'
import { widenThreadPool } from './thread-pool.js'

export interface ReadyServer {
  pid: number
  port: number
  /** Whether the log goes anywhere. */
  logged: boolean
}

export interface RunServerOptions extends ServerOptions {
  environment: Readonly<Record<string, string | undefined>>
  /** End after one connection, as the C server does with `-d`; default false. */
  once?: boolean
  /** The server listens, and its files are written. */
  onReady?: (ready: ReadyServer) => void
}

/** How long requests that run are waited for at the end, in milliseconds. */
const GRACE_MS = 20_000
/** The end of the process at the latest, after the first `SIGTERM`. */
const STOP_DEADLINE_MS = 25_000

/** @returns the exit status. @throws VoboxError when it cannot serve. */
export async function runServer(options: RunServerOptions): Promise<number> {
  widenThreadPool()
  const places = serverCredentialPlaces(options.environment)
  // Every path is absolute by now; a working directory would only keep somebody from unmounting it.
  process.chdir('/')
  closeInherited()
  keepHeapSmall()
  // Whoever has just been told to start is not ended by a reload that comes too soon.
  process.on('SIGHUP', () => undefined)
  const journal = openServerJournal({
    ...SERVER_CONFIG_DEFAULTS,
    level: options.verbose ? 'debug' : 'info',
    terminal: options.foreground && !isSystemdsLog(options.environment),
  })
  try {
    const config = await readConfigOf(options)
    await journal.follow(config)
    await new RunningServer(options, config, journal).run(places)
    return EXIT.ok
  } catch (error) {
    // Whoever started it is told as well; at boot that may be nobody, and the C server tells syslog alone.
    if (!options.foreground) sayWhyNot(journal, toVoboxError(error))
    throw error
  } finally {
    await journal.close()
    await replacementsSettled()
  }
}

function sayWhyNot(journal: ServerJournal, error: VoboxError): void {
  const cure = cureOf(error)
  const message = cure === undefined ? error.message : `${error.message}; ${cure}`
  journal.write('error', 'not-started', message, { code: error.code })
}

/** There the journal reads syslog, with the name and the facility that the lines come with. */
function isSystemdsLog({ JOURNAL_STREAM }: RunServerOptions['environment']): boolean {
  return writesToJournal(JOURNAL_STREAM, 2) && isSyslogThere()
}

class RunningServer {
  readonly #options: RunServerOptions
  readonly #journal: ServerJournal
  #config: ServerConfig
  #end: () => void = () => undefined
  readonly #ended = new Promise<void>((resolve) => {
    this.#end = resolve
  })
  /** One reading of everything after the other. */
  #reloads: Promise<void> = Promise.resolve()

  constructor(options: RunServerOptions, config: ServerConfig, journal: ServerJournal) {
    this.#options = options
    this.#config = config
    this.#journal = journal
  }

  async run(places: ReturnType<typeof serverCredentialPlaces>): Promise<void> {
    const { environment, pidFile: pidPath, once } = this.#options
    const onConnectionEnd = once === true ? () => this.#end() : undefined
    const watch: CredentialWatch = new CredentialWatch({
      ...{ places, journal: this.#journal },
      onCredential: (credential) => open.server.replaceCredential(credential),
    })
    const open: OpenServer = await openServer({
      ...{ options: this.#options, config: this.#config, environment, journal: this.#journal },
      ...{ credential: () => watch.start(), onConnectionEnd },
    })
    const pidFile = pidPath === undefined ? undefined : await ServerPidFile.take(pidPath)
    const forget = this.#listen(open, watch)
    try {
      await this.#serve(open, pidFile)
    } finally {
      watch.close()
      open.close()
      await this.#reloads
      await pidFile?.remove()
      forget()
    }
  }

  async #serve({ server }: OpenServer, pidFile: ServerPidFile | undefined): Promise<void> {
    const { environment, portFile, configFile, storageDirectory } = this.#options
    const { port } = await server.start()
    const manager = serviceManager(environment, process.pid, this.#journal)
    const leave = feedWatchdog(manager)
    try {
      if (portFile !== undefined) await writePortFile(portFile, port)
      pidFile?.write(process.pid)
      const facts = { pid: process.pid, port, config: configFile, storage: storageDirectory }
      this.#journal.write('info', 'started', 'the MyProxy server listens', facts)
      this.#sayNotices()
      this.#options.onReady?.({ pid: process.pid, port, logged: this.#journal.isRead })
      manager.notify('READY=1', `STATUS=listening on port ${port}`)
      await this.#ended
      this.#journal.write('info', 'stopping', 'no new requests are taken')
      manager.notify('STOPPING=1')
    } finally {
      await server.stop(GRACE_MS)
      leave()
      await manager.settled()
    }
    this.#journal.write('info', 'stopped', 'ended in order')
  }

  /** @returns what takes the handlers away. */
  #listen(open: OpenServer, watch: CredentialWatch): () => void {
    return listenForSignals({
      journal: this.#journal,
      stopDeadlineMs: STOP_DEADLINE_MS,
      onStop: () => this.#end(),
      // Whoever asks twice does not want to wait for what runs.
      endsWhenAskedTwice: true,
      onReload: () => {
        this.#reloads = this.#reloads.then(() => this.#reload(open, watch))
      },
    })
  }

  async #reload({ server, trust }: OpenServer, watch: CredentialWatch): Promise<void> {
    this.#journal.write('info', 'reloading', 'reading everything again')
    trust.invalidate()
    await watch.look(true)
    try {
      const config = await readConfigOf(this.#options)
      const { environment } = this.#options
      const parts = { options: this.#options, config, environment, journal: this.#journal }
      const { settings } = await settingsOf(parts)
      server.reconfigure(settings)
      this.#config = config
      await this.#journal.follow(config)
      this.#journal.write('info', 'reloaded', 'the configuration holds from the next request on')
      this.#sayNotices()
    } catch (error) {
      const { code, message } = toVoboxError(error)
      const text = `the configuration cannot be used, going on as before: ${message}`
      this.#journal.write('error', 'reload-failed', text, { code })
    }
  }

  #sayNotices(): void {
    for (const { line, directive, message } of this.#config.notices) {
      const where = { file: this.#options.configFile, line }
      this.#journal.write('warn', 'config-notice', `${directive}: ${message}`, where)
    }
  }
}
