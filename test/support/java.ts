/**
 * The Java clients of VOMS, started in a third of the time: a process that lives for half a second is
 * not worth the optimising compiler, and the classes that one run has loaded are mapped by the next.
 *
 * The first run leaves its classes in `node_modules/.cache`. The JVM looks whether they are those of the
 * jars at hand, and leaves them alone where they are not.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

const OWNER = process.getuid?.() ?? 0
const DIRECTORY = join(import.meta.dirname, `../../node_modules/.cache/test-java-${OWNER}`)

/** The wrapper's own, and no words from the JVM about the archive. */
const OPTIONS = '-XX:+UseSerialGC -Xmx16m -XX:TieredStopAtLevel=1 -Xlog:disable -Xlog:all=off'

/** How a program is started. */
export interface JavaStart {
  /** Variables for its environment. */
  env: Readonly<Record<string, string>>
  /** To be called when it has ended. */
  ended(): void
}

let runs = 0

/** Empty for a program that is not Java's. */
export function javaStart(program: string): JavaStart {
  const start = (env: JavaStart['env'], ended = () => {}): JavaStart => ({ env, ended })
  if (!/^voms-proxy-(info|init)3$/.test(program)) return start({})
  const options = (more: string) => ({ VOMS_CLIENTS_JAVA_OPTIONS: `${OPTIONS} ${more}` })
  const archive = join(DIRECTORY, `${program}.jsa`)
  if (existsSync(archive)) return start(options(`-XX:SharedArchiveFile=${archive}`))
  try {
    mkdirSync(DIRECTORY, { recursive: true, mode: 0o700 })
  } catch {
    return start(options(''))
  }
  const fresh = `${archive}.${process.pid}.${++runs}`
  return start(options(`-XX:ArchiveClassesAtExit=${fresh}`), () => {
    if (existsSync(fresh)) renameSync(fresh, archive)
  })
}
