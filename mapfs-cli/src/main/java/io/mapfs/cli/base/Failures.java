package io.mapfs.cli.base;

import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.importer.ImportException;
import io.mapfs.core.tree.CorruptTreeException;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.net.BindException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Turns what went wrong into the line and the exit code that the user gets. */
public final class Failures {
  /** Longest chain of causes that is looked at. */
  private static final int CAUSES_MAX = 8;

  private Failures() {}

  /** The code, found in the failure itself or in what caused it. */
  public static FailureCode code(Throwable failure) {
    Throwable at = failure;
    for (int depth = 0; at != null && depth < CAUSES_MAX; depth++) {
      FailureCode code = ownCode(at);
      if (code != FailureCode.INTERNAL) {
        return code;
      }
      at = at.getCause();
    }
    return FailureCode.INTERNAL;
  }

  private static FailureCode ownCode(Throwable failure) {
    if (failure instanceof CommandFailure command) {
      return command.code();
    } else if (failure instanceof ApplianceException refused) {
      return refused.code();
    } else if (failure instanceof FsException refused) {
      return ofErrno(refused.errno());
    } else if (failure instanceof BindException) {
      return FailureCode.CONFLICT;
    } else if (failure instanceof CorruptTreeException
        || failure instanceof CorruptBlockException) {
      return FailureCode.CORRUPT;
    } else if (failure instanceof NoSuchFileException) {
      return FailureCode.NOT_FOUND;
    } else if (failure instanceof AccessDeniedException) {
      return FailureCode.DENIED;
    } else if (failure instanceof FileAlreadyExistsException
        || failure instanceof DirectoryNotEmptyException) {
      return FailureCode.CONFLICT;
    } else if (failure instanceof NotDirectoryException) {
      return FailureCode.INVALID;
    } else if (failure instanceof FileSystemException file
        && "No space left on device".equals(file.getReason())) {
      return FailureCode.NO_SPACE;
    }
    return FailureCode.INTERNAL;
  }

  private static FailureCode ofErrno(Errno errno) {
    return switch (errno) {
      case ENOENT -> FailureCode.NOT_FOUND;
      case EACCES, EPERM -> FailureCode.DENIED;
      case EEXIST, EBUSY, ENOTEMPTY -> FailureCode.CONFLICT;
      case ENOTDIR, EISDIR, EINVAL, ENAMETOOLONG -> FailureCode.INVALID;
      case ENOSPC, EDQUOT -> FailureCode.NO_SPACE;
      default -> FailureCode.INTERNAL;
    };
  }

  /** One line; control characters, line feeds among them, become blanks. */
  public static String line(Throwable failure) {
    return singleLine(text(failure));
  }

  public static String singleLine(String text) {
    return text.replaceAll("\\p{Cntrl}+", " ").strip();
  }

  private static String text(Throwable failure) {
    if (failure instanceof CommandFailure
        || failure instanceof ApplianceException
        || failure instanceof ImportException) {
      return String.valueOf(failure.getMessage());
    } else if (failure instanceof NoSuchFileException missing) {
      return missing.getFile() + " does not exist";
    } else if (failure instanceof AccessDeniedException denied) {
      return "no permission for " + denied.getFile() + "; try as root";
    } else if (failure instanceof FileAlreadyExistsException exists) {
      return exists.getFile() + " exists already";
    } else if (failure instanceof NotDirectoryException file) {
      return file.getFile() + " is not a directory";
    } else if (failure instanceof FileSystemException file) {
      return file.getFile() + (file.getReason() == null ? "" : ": " + file.getReason());
    } else if (failure instanceof IOException && failure.getMessage() != null) {
      return failure.getMessage();
    }
    if (failure instanceof InterruptedException) {
      return "interrupted";
    }
    return "unexpected failure, " + failure + "; run it again with --debug for details";
  }
}
