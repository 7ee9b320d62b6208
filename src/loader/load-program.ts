/** exec: from a file to an address space ready to run. Linux 6.18 fs/exec.c exec_binprm, fs/binfmt_elf.c load_elf_binary. */
import { EACCES, EFAULT, EINVAL, ELIBBAD, ELOOP, ENOENT, ENOEXEC, ENOMEM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { EHDR_SIZE, ET_DYN, ET_EXEC, EM_X86_64, PF_R, PF_W, PF_X, PT_GNU_STACK, PT_INTERP, PT_LOAD } from '../abi/elf.ts';
import { MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import { bytesToString } from '../base/byte-string.ts';
import { BytesIoVector } from '../base/io-vector.ts';
import { AddressSpace, STACK_GUARD, pageAlign, pageFloor } from '../memory/address-space.ts';
import type { MemoryObject } from '../memory/memory-object.ts';
import { growHeap, mmap } from '../memory/mmap.ts';
import type { MappingSource } from '../memory/mmap.ts';
import { TASK_SIZE } from '../memory/user-memory.ts';
import { VM_EXEC } from '../memory/vma.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { checkArgumentSize } from './arguments.ts';
import { isLoadable, maximumAlignment, parseElfHeader, readExactly, readProgramHeaders, totalMappingSize } from './elf-file.ts';
import type { ElfHeader, ProgramHeader } from './elf-file.ts';
import type { ExecRequest, LoadedProgram } from './exec-request.ts';
import { buildStack, copyStrings } from './program-stack.ts';
import { EXEC_HEAD, parseScript } from './script.ts';

/** Where position-independent programs that have an interpreter go (ELF_ET_DYN_BASE): two thirds of the address space. */
const ELF_ET_DYN_BASE = 0x555555554000;
/** Scripts that name scripts: so many levels. */
const MAX_DEPTH = 5;

/** The program could not be loaded after the point of no return: the caller dies of SIGSEGV, as on Linux. */
export const EXEC_KILLS = 'exec-kills' as const;

/** An ELF file that was read and checked, with its interpreter. */
interface ElfProgram {
  file: FileDescription;
  header: ElfHeader;
  headers: ProgramHeader[];
  executableStack: boolean;
  interpreter: { file: FileDescription; header: ElfHeader; headers: ProgramHeader[] } | null;
}

/**
 * Loads `req.file`. Returns the new program; an errno if the caller lives on (E2BIG, ENOEXEC, ELIBBAD, ELOOP, ENOENT, EACCES, EIO, ENOMEM
 * …); or EXEC_KILLS. The old address space is not touched in any case.
 */
export function loadProgram(req: ExecRequest): LoadedProgram | Errno | typeof EXEC_KILLS {
  let argv = req.argv.length === 0 ? [''] : req.argv;
  const size = checkArgumentSize(req.filename, argv, req.envp, req.limits.stackLimit());
  if (isErr(size)) return size;

  let file = req.file;
  let interp = req.filename;
  file.ref();
  for (let depth = 0; ; depth++) {
    if (depth > MAX_DEPTH) return drop(file, ELOOP);
    const head = new Uint8Array(EXEC_HEAD);
    const n = file.read(req.ctx, new BytesIoVector(head), 0);
    if (isErr(n)) return drop(file, n);
    const script = parseScript(head);
    if (script === null) {
      const program = openElf(req, file, head);
      return isErr(program) ? drop(file, program) : start(req, program, argv);
    }
    if (req.pathInaccessible && depth === 0) return drop(file, ENOENT);
    argv = [script.interpreter, ...(script.argument === null ? [] : [script.argument]), interp, ...argv.slice(1)];
    const fits = checkArgumentSize(req.filename, argv, req.envp, req.limits.stackLimit());
    if (isErr(fits)) return drop(file, fits);
    interp = script.interpreter;
    // An empty name walks to the working directory, which cannot be executed.
    const next = interp === '' ? EACCES : req.host.openExec(interp);
    if (isErr(next)) return drop(file, next);
    file.unref();
    file = next;
  }
}

function drop(file: FileDescription, err: Errno): Errno {
  file.unref();
  return err;
}

/** Reads and checks an ELF file up to the point of no return. Takes over the reference to `file` only on success. */
function openElf(req: ExecRequest, file: FileDescription, head: Uint8Array): ElfProgram | Errno {
  const header = parseElfHeader(head);
  if (header === null || !isLoadable(header)) return ENOEXEC;
  const headers = readProgramHeaders(req.ctx, file, header);
  if (headers === null) return ENOEXEC;
  let interpreter: ElfProgram['interpreter'] = null;
  const wanted = headers.find((p) => p.type === PT_INTERP);
  if (wanted !== undefined) {
    if (wanted.filesz > 4096 || wanted.filesz < 2) return ENOEXEC;
    const path = readExactly(req.ctx, file, wanted.offset, wanted.filesz);
    if (isErr(path)) return path;
    if (path[path.length - 1] !== 0) return ENOEXEC;
    const name = bytesToString(path, 0, path.indexOf(0));
    const ld = req.host.openExec(name);
    if (isErr(ld)) return ld;
    const ldHead = readExactly(req.ctx, ld, 0, EHDR_SIZE);
    if (isErr(ldHead)) return drop(ld, ldHead);
    const ldHeader = parseElfHeader(ldHead);
    if (ldHeader === null || ldHeader.machine !== EM_X86_64) return drop(ld, ELIBBAD);
    const ldHeaders = readProgramHeaders(req.ctx, ld, ldHeader);
    if (ldHeaders === null) return drop(ld, ELIBBAD);
    interpreter = { file: ld, header: ldHeader, headers: ldHeaders };
  }
  // Without PT_GNU_STACK a 64-bit program gets no executable stack (arch/x86/include/asm/elf.h, "exec-none").
  let executableStack = false;
  for (const p of headers) if (p.type === PT_GNU_STACK) executableStack = (p.flags & PF_X) !== 0;
  return { file, header, headers, executableStack, interpreter };
}

/** From here on the old program is lost. Takes over the references in `program`. */
function start(req: ExecRequest, program: ElfProgram, argv: readonly string[]): LoadedProgram | Errno | typeof EXEC_KILLS {
  const { file, interpreter } = program;
  const ids = req.host.idsFor(file);
  if (isErr(ids)) {
    interpreter?.file.unref();
    return drop(file, ids);
  }
  const space = new AddressSpace(req.pm);
  space.limits = req.limits;
  const stackGap = Math.min(Math.max(req.limits.stackLimit() + STACK_GUARD, 128 * 1024 * 1024), pageFloor((TASK_SIZE / 6) * 5));
  space.mmapBase = pageAlign(TASK_SIZE - stackGap);
  space.exeFile = file; // takes over the reference
  const loaded = build(req, program, argv, space, ids);
  interpreter?.file.unref();
  if (typeof loaded !== 'object') {
    space.put();
    return EXEC_KILLS;
  }
  return loaded;
}

function build(req: ExecRequest, program: ElfProgram, argv: readonly string[], space: AddressSpace, ids: LoadedProgram['ids']): LoadedProgram | Errno {
  const { file, header, headers, interpreter } = program;
  const strings = copyStrings(space, req.filename, argv, req.envp, program.executableStack);
  if (isErr(strings)) return strings;

  const image = mapSegments(req, space, file, header, headers, interpreter === null ? 'standalone' : 'program');
  if (isErr(image)) return image;
  const entry = header.entry + image.bias;
  let start = entry;
  let base = 0;
  if (interpreter !== null) {
    const ld = mapSegments(req, space, interpreter.file, interpreter.header, interpreter.headers, 'interpreter');
    if (isErr(ld)) return ld;
    base = ld.bias;
    start = ld.bias + interpreter.header.entry;
  }
  if (!(start >= 0 && start < TASK_SIZE)) return EINVAL;
  if (req.vdso !== null) {
    const at = req.vdso.map(space, req.clocksShifted);
    if (isErr(at)) return at;
  }
  const stackPointer = buildStack(space, req, argv, strings, { phdr: image.phdr, phnum: header.phnum, base, entry }, ids);
  if (isErr(stackPointer)) return stackPointer;
  space.startCode = image.startCode;
  space.endCode = image.endCode;
  space.startData = image.startData;
  space.endData = image.endData;
  // A static PIE sits among the mappings; its heap goes where other programs have theirs.
  const brk = header.type === ET_DYN && interpreter === null ? ELF_ET_DYN_BASE : image.brk;
  space.startBrk = space.brk = pageAlign(brk);
  return { space, entry: start, stackPointer, exe: file, ids, executableStack: program.executableStack };
}

interface MappedImage {
  /** Added to every address in the file. */
  bias: number;
  phdr: number;
  startCode: number;
  endCode: number;
  startData: number;
  endData: number;
  brk: number;
}

/** Maps all PT_LOADs. */
function mapSegments(
  req: ExecRequest, space: AddressSpace, file: FileDescription, header: ElfHeader, headers: readonly ProgramHeader[], role: 'program' | 'standalone' | 'interpreter',
): MappedImage | Errno {
  const object = file.mmap(req.ctx, false);
  if (object === null) return ENOEXEC;
  if (isErr(object)) return object;
  const source = execSource(file, object);
  const m: MappedImage = { bias: 0, phdr: 0, startCode: Infinity, endCode: 0, startData: 0, endData: 0, brk: 0 };
  let first = true;
  for (const p of headers) {
    if (p.type !== PT_LOAD) continue;
    let flags = MAP_PRIVATE;
    let total = 0;
    if (!first) flags |= MAP_FIXED;
    else if (role === 'interpreter') {
      total = totalMappingSize(headers);
      if (total === 0) return EINVAL;
      if (header.type === ET_EXEC) flags |= MAP_FIXED;
      else m.bias = -pageFloor(p.vaddr);
    } else if (header.type === ET_EXEC) {
      flags |= MAP_FIXED_NOREPLACE;
      total = totalMappingSize(headers);
    } else {
      total = totalMappingSize(headers);
      if (total === 0) return EINVAL;
      const align = maximumAlignment(headers);
      let where = 0;
      if (role === 'program') {
        where = ELF_ET_DYN_BASE;
        if (align !== 0) where = Math.floor(where / align) * align;
        flags |= MAP_FIXED_NOREPLACE;
      } else if (align > 4096) {
        const at = mmap(space, 0, total + align, 0, flags, source, 0);
        if (isErr(at)) return at;
        space.munmap(at, total + align);
        where = Math.ceil(at / align) * align;
        flags |= MAP_FIXED_NOREPLACE;
      }
      m.bias = pageFloor(where - p.vaddr);
    }
    const at = mapSegment(space, source, m.bias + p.vaddr, p, flags, total);
    if (isErr(at)) return at;
    if (!(at < TASK_SIZE)) return EINVAL;
    if (first && (header.type === ET_DYN || role === 'interpreter')) m.bias += at - pageFloor(m.bias + p.vaddr);
    first = false;
    if (p.offset <= header.phoff && header.phoff < p.offset + p.filesz) m.phdr = header.phoff - p.offset + p.vaddr;
    if (p.flags & PF_X && p.vaddr < m.startCode) m.startCode = p.vaddr;
    if (m.startData < p.vaddr) m.startData = p.vaddr;
    if (role === 'interpreter') {
      const k = m.bias + p.vaddr;
      if (!(k < TASK_SIZE) || p.filesz > p.memsz || p.memsz > TASK_SIZE || TASK_SIZE - p.memsz < k) return ENOMEM;
    } else if (!(p.vaddr < TASK_SIZE) || p.filesz > p.memsz || p.memsz > TASK_SIZE || TASK_SIZE - p.memsz < p.vaddr) return EINVAL;
    const end = p.vaddr + p.filesz;
    if (p.flags & PF_X && m.endCode < end) m.endCode = end;
    if (m.endData < end) m.endData = end;
    if (p.vaddr + p.memsz > m.brk) m.brk = p.vaddr + p.memsz;
  }
  if (first && role === 'interpreter') return EINVAL;
  m.phdr += m.bias;
  m.startCode = m.startCode === Infinity ? 0 : m.startCode + m.bias;
  m.endCode += m.bias;
  m.startData += m.bias;
  m.endData += m.bias;
  m.brk += m.bias;
  return m;
}

/** Execution needs no read permission on the file: the kernel maps it. */
function execSource(file: FileDescription, object: MemoryObject): MappingSource {
  return { object, file, readable: true, writable: false, appendOnly: false, noExec: false, sealed: false, maxBytes: 2 ** 63 };
}

/** Maps one PT_LOAD at `addr` and the zeros behind its file part (elf_load). `total`: size of all segments, to reserve room for them; 0 = no. */
function mapSegment(space: AddressSpace, source: MappingSource, addr: number, p: ProgramHeader, flags: number, total: number): number | Errno {
  const prot = (p.flags & PF_R ? PROT_READ : 0) | (p.flags & PF_W ? PROT_WRITE : 0) | (p.flags & PF_X ? PROT_EXEC : 0);
  const inPage = p.vaddr % 4096;
  let at = pageFloor(addr);
  let zeroStart = at;
  let zeroEnd = at + inPage + p.memsz;
  if (p.filesz !== 0) {
    const offset = p.offset - inPage;
    const size = pageAlign(p.filesz + inPage);
    if (offset < 0 || offset % 4096 !== 0) return EINVAL;
    if (!(at >= 0) || !Number.isSafeInteger(at)) return ENOMEM;
    const mapped = mmap(space, at, total !== 0 ? pageAlign(total) : size, prot, flags, source, offset);
    if (isErr(mapped)) return mapped;
    at = mapped;
    if (total !== 0 && pageAlign(total) > size) space.munmap(at + size, pageAlign(total) - size);
    zeroStart = at + inPage + p.filesz;
    zeroEnd = at + inPage + p.memsz;
    if (p.memsz > p.filesz) {
      const tail = pageAlign(zeroStart) - zeroStart;
      if (tail > 0 && space.clear(zeroStart, tail) !== tail && prot & PROT_WRITE) return EFAULT;
    }
  }
  if (p.memsz > p.filesz) {
    zeroStart = pageAlign(zeroStart);
    zeroEnd = pageAlign(zeroEnd);
    if (zeroEnd > zeroStart) {
      if (!(zeroStart >= 0) || zeroEnd > TASK_SIZE) return ENOMEM;
      if (isErr(space.unmapRange(zeroStart, zeroEnd))) return ENOMEM;
      const r = growHeap(space, zeroStart, zeroEnd, prot & PROT_EXEC ? VM_EXEC : 0);
      if (isErr(r)) return r;
    }
  }
  return at;
}
