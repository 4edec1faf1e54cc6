package io.mapfs.it;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The architecture invariants of ARCHITECTURE.md. */
@AnalyzeClasses(packages = "io.mapfs", importOptions = ArchitectureTest.WithoutTests.class)
final class ArchitectureTest {
  /** Leaves tests out, those in another module's test jar too. */
  static final class WithoutTests implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("/test-classes/") && !location.contains("-tests.jar");
    }
  }

  private static final String CORE = "io.mapfs.core..";
  private static final String[] NODE = {"io.mapfs.client..", "io.mapfs.node..", "io.mapfs.fuse.."};
  private static final String SERVER = "io.mapfs.server..";
  private static final String CLI = "io.mapfs.cli..";

  @ArchTest
  static final ArchRule coreDependsOnNoOtherModule =
      noClasses()
          .that()
          .resideInAPackage(CORE)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(NODE[0], NODE[1], NODE[2], SERVER, CLI);

  @ArchTest
  static final ArchRule nodeDoesNotKnowTheServer =
      noClasses()
          .that()
          .resideInAnyPackage(NODE)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(SERVER, CLI);

  @ArchTest
  static final ArchRule serverDoesNotKnowTheNode =
      noClasses()
          .that()
          .resideInAPackage(SERVER)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(NODE[0], NODE[1], NODE[2], CLI);

  @ArchTest
  static final ArchRule rocksDbIsSeenByOnePackage =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.mapfs.core.rocks")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.rocksdb..");

  @ArchTest
  static final ArchRule nettyIsSeenByTheBlockServerOnly =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.mapfs.server.net")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.netty..");

  @ArchTest
  static final ArchRule bouncyCastleIsSeenByOnePackage =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.mapfs.core.security")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.bouncycastle..");

  @ArchTest
  static final ArchRule jnrFuseIsSeenByItsFrontEndOnly =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.mapfs.fuse.jnr")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ru.serce.jnrfuse..");

  @ArchTest
  static final ArchRule theTwoFrontEndsDoNotKnowEachOther =
      slices().matching("io.mapfs.fuse.(direct|jnr)..").should().notDependOnEachOther();

  @ArchTest
  static final ArchRule theCommandsLibrariesStayInTheCommand =
      noClasses()
          .that()
          .resideOutsideOfPackage(CLI)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("picocli..", "org.snakeyaml..", "ch.qos.logback..");

  @ArchTest
  static final ArchRule thereAreNoPackageCycles =
      slices().assignedFrom(new EachPackage()).should().beFreeOfCycles();

  @ArchTest
  static void everyPackageSaysWhatItIsFor(JavaClasses classes) {
    Set<String> described =
        classes.stream()
            .filter(type -> type.getSimpleName().equals("package-info"))
            .map(JavaClass::getPackageName)
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> undescribed =
        classes.stream()
            .map(JavaClass::getPackageName)
            .collect(Collectors.toCollection(TreeSet::new));
    undescribed.removeAll(described);
    assertEquals(Set.of(), undescribed, "packages without package-info.java");
  }

  /** Makes each package a slice, whatever its depth. */
  private static final class EachPackage implements SliceAssignment {
    @Override
    public SliceIdentifier getIdentifierOf(JavaClass type) {
      return type.getPackageName().startsWith("io.mapfs")
          ? SliceIdentifier.of(type.getPackageName())
          : SliceIdentifier.ignore();
    }

    @Override
    public String getDescription() {
      return "packages";
    }
  }
}
