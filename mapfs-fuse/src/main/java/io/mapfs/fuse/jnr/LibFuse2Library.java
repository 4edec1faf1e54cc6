package io.mapfs.fuse.jnr;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Platform;
import jnr.ffi.Runtime;

/** libfuse 2, loaded when first asked for. */
final class LibFuse2Library {
  private static final String FILE = "libfuse.so.2";

  /** The version whose structs are known here; the last of libfuse 2. */
  private static final int VERSION = 29;

  private static final int RTLD_NOW = 2;

  private static final LibFuse2 LOADED;
  private static final NativeFunction NEW;
  private static final String FAULT;

  static {
    LibFuse2 loaded = null;
    NativeFunction create = null;
    String fault = null;
    try {
      loaded = LibraryLoader.create(LibFuse2.class).failImmediately().load(FILE);
      if (loaded.fuse_version() != VERSION) {
        fault = FILE + " is version " + loaded.fuse_version() / 10.0 + ", not 2.9";
      } else if (Runtime.getSystemRuntime().addressSize() != Long.BYTES) {
        fault = "it works on 64-bit machines only";
      } else {
        create = loadNew();
      }
    } catch (UnsatisfiedLinkError e) {
      fault = FILE + " is not installed: apt-get install libfuse2";
    }
    LOADED = loaded;
    NEW = create;
    FAULT = fault;
  }

  private LibFuse2Library() {}

  static LibFuse2 get() {
    if (FAULT != null) {
      throw new IllegalStateException(FAULT);
    }
    return LOADED;
  }

  /**
   * {@code struct fuse *fuse_new(ch, args, op, op_size, user_data)} of version FUSE_2.6. Not found
   * by its name: the library has older functions of that name, and dlsym(3) takes the oldest.
   */
  static NativeFunction newFunction() {
    return NEW;
  }

  private static NativeFunction loadNew() {
    LibFuse2.Loader loader =
        LibraryLoader.create(LibFuse2.Loader.class)
            .failImmediately()
            .load(Platform.getNativePlatform().getStandardCLibraryName());
    long address = loader.dlvsym(loader.dlopen(FILE, RTLD_NOW), "fuse_new", "FUSE_2.6");
    if (address == 0) {
      throw new UnsatisfiedLinkError("no fuse_new");
    }
    return NativeFunction.ofFive(address);
  }

  /** Why it cannot be used, in one line; {@code null} where it can. */
  static String fault() {
    return FAULT;
  }
}
