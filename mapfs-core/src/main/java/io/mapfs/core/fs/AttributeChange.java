package io.mapfs.core.fs;

/**
 * The changes of one setattr; an absent field is {@code null}.
 *
 * @param permissions new lower twelve mode bits
 * @param sizeBytes new length: a truncation or an extension
 * @param atime new access time; "now" was resolved by the front end
 * @param mtime new modification time
 * @param ctime new change time (the kernel sends one when the writeback cache is on); usually
 *     absent: any change sets it to now
 * @param clearSetid whether setuid, setgid and security.capability go (FATTR_KILL_SUIDGID)
 * @param handle the open handle that the caller used, or {@link FileSystemOperations#NO_HANDLE}
 */
public record AttributeChange(
    Integer permissions,
    Integer uid,
    Integer gid,
    Long sizeBytes,
    FileTime atime,
    FileTime mtime,
    FileTime ctime,
    boolean clearSetid,
    long handle) {}
