package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.RequestContext;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One request and its reply, in one direct buffer that a serving thread uses again and again.
 *
 * <pre>
 *   0              4 KiB                                 1 MiB + 4 KiB    1 MiB + 8 KiB
 *  +--------------+-------------------------------------+----------------+
 *  | request, small                                     |                |   GETATTR, READ, …
 *  +--------------+ reply, up to 1 MiB + 4 KiB ---------+----------------+
 *  | request, up to 1 MiB + 4 KiB (WRITE, SETXATTR) ----| reply, small   |
 *  +--------------+-------------------------------------+----------------+
 * </pre>
 *
 * A large request is never due a large reply, so the two overlap. The thread that serves owns it;
 * only its {@link Interruption} may be used by others.
 */
public final class Exchange implements RequestContext {
  private static final int PAGE_BYTES = 4096;

  /** Largest request that is read: a write of {@link KernelConnection#WRITE_BYTES_MAX}. */
  public static final int REQUEST_BYTES_MAX = KernelConnection.WRITE_BYTES_MAX + PAGE_BYTES;

  private static final int CAPACITY_BYTES = REQUEST_BYTES_MAX + PAGE_BYTES;
  private final ByteBuffer buffer;
  private final ByteBuffer in;
  private final ByteBuffer largeOut;
  private final ByteBuffer smallOut;

  private ByteBuffer out;
  private int opcode;
  private long unique;
  private long node;
  private int uid;
  private int gid;
  private int pid;
  private int umask;
  private boolean replyDue;
  private boolean keepsTimes;
  private boolean writeBack;

  private final Interruption interruption = new Interruption();

  public Exchange() {
    buffer = ByteBuffer.allocateDirect(CAPACITY_BYTES + PAGE_BYTES).alignedSlice(PAGE_BYTES);
    in = part(0, REQUEST_BYTES_MAX);
    largeOut = part(PAGE_BYTES, CAPACITY_BYTES - PAGE_BYTES);
    smallOut = part(REQUEST_BYTES_MAX, PAGE_BYTES);
    out = largeOut;
  }

  private ByteBuffer part(int at, int length) {
    return buffer.slice(at, length).order(ByteOrder.nativeOrder());
  }

  /** The memory that a request is read into, from its start, up to {@link #REQUEST_BYTES_MAX}. */
  public ByteBuffer requestBuffer() {
    return in.clear();
  }

  /** The reply that {@link KernelConnection#serve} has made, from position to limit. */
  public ByteBuffer reply() {
    return out;
  }

  /** The number of the request that was served last; the reply repeats it. */
  public long unique() {
    return unique;
  }

  // ---- For the dispatcher ----

  /**
   * Takes the header of a request of that many bytes, at least {@link InHeader#BYTES}.
   *
   * @param kernelKeepsTimes see {@link RequestContext#keepsTimes}
   */
  void begin(int requestBytes, boolean kernelKeepsTimes) {
    opcode = in.getInt(InHeader.OPCODE);
    unique = in.getLong(InHeader.UNIQUE);
    node = in.getLong(InHeader.NODE);
    uid = in.getInt(InHeader.UID);
    gid = in.getInt(InHeader.GID);
    pid = in.getInt(InHeader.PID);
    umask = 0;
    replyDue = true;
    keepsTimes = kernelKeepsTimes;
    writeBack = false;
    out = requestBytes <= PAGE_BYTES ? largeOut : smallOut;
    out.clear().position(OutHeader.BYTES);
    int extensionBytes = Long.BYTES * (in.getShort(InHeader.EXTENSIONS) & 0xffff);
    int bodyEnd = Math.max(InHeader.BYTES, requestBytes - extensionBytes);
    in.position(0).limit(bodyEnd).position(InHeader.BYTES);
    interruption.begin(unique, pid);
  }

  /** Ends what {@link #begin} began: interrupts that come later find nothing. */
  void end() {
    interruption.end();
  }

  /** Seals the reply; false if none is due. */
  boolean finish(Errno error) {
    if (!replyDue) {
      out.clear().limit(0);
      return false;
    }
    int length = error == null ? out.position() : OutHeader.BYTES;
    OutHeader.put(out, length, error == null ? 0 : -error.number(), unique);
    out.clear().limit(length);
    return true;
  }

  /** Makes the reply one of that error: what the kernel would not take in its first form. */
  public void replaceReply(Errno error) {
    OutHeader.put(out.clear(), OutHeader.BYTES, -error.number(), unique);
    out.limit(OutHeader.BYTES);
  }

  void noReply() {
    replyDue = false;
  }

  boolean isReplyDue() {
    return replyDue;
  }

  Interruption interruption() {
    return interruption;
  }

  // ---- For handlers ----

  /** The body: from behind the header to the request's end. */
  ByteBuffer in() {
    return in;
  }

  /** Where the reply's body goes; what is put is sent. */
  ByteBuffer out() {
    return out;
  }

  /** Direct memory that neither this request nor its small reply needs. */
  ByteBuffer unused() {
    return part(2 * PAGE_BYTES, CAPACITY_BYTES - 3 * PAGE_BYTES);
  }

  int opcode() {
    return opcode;
  }

  long node() {
    return node;
  }

  void umask(int value) {
    umask = value;
  }

  /** Takes the next name, up to its NUL. */
  Name takeName() throws FsException {
    int length = stringLength();
    if (length > Name.MAX_BYTES) {
      // The kernel passes up to FUSE_NAME_MAX (1,024) bytes on.
      throw new FsException(Errno.ENAMETOOLONG, "a name of " + length + " bytes");
    }
    Name name = Name.take(in, length);
    in.get();
    return name;
  }

  /** Takes the next name and sees that it may stand in a directory. */
  Name takeEntryName() throws FsException {
    Name name = takeName();
    if (!name.isValidEntry()) {
      throw new FsException(Errno.EINVAL, "not an entry's name: " + name);
    }
    return name;
  }

  /** Takes the next string, up to its NUL. */
  byte[] takeString() throws FsException {
    byte[] bytes = new byte[stringLength()];
    in.get(bytes).get();
    return bytes;
  }

  private int stringLength() throws FsException {
    for (int at = in.position(); at < in.limit(); at++) {
      if (in.get(at) == 0) {
        int length = at - in.position();
        if (length == 0) {
          break;
        }
        return length;
      }
    }
    throw new FsException(Errno.EINVAL, "a string that is empty or has no end");
  }

  // ---- RequestContext ----

  @Override
  public int uid() {
    return uid;
  }

  @Override
  public int gid() {
    return gid;
  }

  @Override
  public int pid() {
    return pid;
  }

  @Override
  public int umask() {
    return umask;
  }

  @Override
  public boolean keepsTimes() {
    return keepsTimes;
  }

  /** Whether this WRITE hands over what programs wrote into the kernel's cache before. */
  boolean isWriteBack() {
    return writeBack;
  }

  /** Marks a WRITE as that of a cached page (FUSE_WRITE_CACHE); holds for this request. */
  void setWriteBack() {
    writeBack = true;
  }

  @Override
  public boolean isInterrupted() {
    return interruption.isInterrupted();
  }

  @Override
  public void onInterrupt(Runnable action) {
    interruption.onInterrupt(action);
  }
}
