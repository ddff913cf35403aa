/**
 * The disk for a process that reads a few files and ends: the same calls, made at once instead of
 * through threads that would first have to be started. Only what reading needs.
 */
import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { type Disk, makeFiles } from '../ports/files.js'

const disk: Partial<Record<keyof Disk, unknown>> = {
  open: async (path: string, flags: number) => handleOf(openSync(path, flags)),
  lstat: async (path: string) => lstatSync(path),
  readdir: async (path: string) => readdirSync(path),
}

function handleOf(descriptor: number): Partial<FileHandle> {
  const handle = {
    stat: async () => fstatSync(descriptor),
    read: async (buffer: Buffer, offset: number, length: number, position: number) => ({
      bytesRead: readSync(descriptor, buffer, offset, length, position),
      buffer,
    }),
    close: async () => closeSync(descriptor),
  }
  return handle as unknown as Partial<FileHandle>
}

/** Reads by the rules of `ports/files.ts`; what would change anything is not there. */
export const quickFiles = makeFiles(disk as Disk)
